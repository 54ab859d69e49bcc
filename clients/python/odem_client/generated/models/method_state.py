from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.method_state_parts import MethodStateParts
    from ..models.method_state_scalars import MethodStateScalars


T = TypeVar("T", bound="MethodState")


@_attrs_define
class MethodState:
    """What a data-free method needs to know about earlier tasks besides the weights; of constant size.

    Attributes:
        family (str): Methods that can continue from it, such as `ties`.
        scalars (MethodStateScalars | Unset): Numbers by name.
        parts (MethodStateParts | Unset): Digests of safetensors blobs by name. Each has a tensor of the weights' name
            and shape for every merged tensor.
    """

    family: str
    scalars: MethodStateScalars | Unset = UNSET
    parts: MethodStateParts | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        family = self.family

        scalars: dict[str, Any] | Unset = UNSET
        if not isinstance(self.scalars, Unset):
            scalars = self.scalars.to_dict()

        parts: dict[str, Any] | Unset = UNSET
        if not isinstance(self.parts, Unset):
            parts = self.parts.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "family": family,
            }
        )
        if scalars is not UNSET:
            field_dict["scalars"] = scalars
        if parts is not UNSET:
            field_dict["parts"] = parts

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.method_state_parts import MethodStateParts  # noqa: PLC0415
        from ..models.method_state_scalars import MethodStateScalars  # noqa: PLC0415

        d = dict(src_dict)
        family = d.pop("family")

        _scalars = d.pop("scalars", UNSET)
        scalars: MethodStateScalars | Unset
        if isinstance(_scalars, Unset):
            scalars = UNSET
        else:
            scalars = MethodStateScalars.from_dict(_scalars)

        _parts = d.pop("parts", UNSET)
        parts: MethodStateParts | Unset
        if isinstance(_parts, Unset):
            parts = UNSET
        else:
            parts = MethodStateParts.from_dict(_parts)

        method_state = cls(
            family=family,
            scalars=scalars,
            parts=parts,
        )

        return method_state
