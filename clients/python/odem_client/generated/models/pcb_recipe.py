from __future__ import annotations

from collections.abc import Mapping
from typing import (
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PcbRecipe")


@_attrs_define
class PcbRecipe:
    """PCB-Merging: the mean weighted by how entries compete within and between tasks; approximate continually. Source:
    arXiv 2410.02396.

        Attributes:
            method (Literal['pcb'] | Unset): Name of the merge method. Default: 'pcb'.
            density (float | Unset): share of a tensor's entries that get a weight. Default: the authors' code
            scaling (float | Unset): factor of the weighted mean. Default: the authors' code, λ = 1.2
    """

    method: Literal["pcb"] | Unset = "pcb"
    density: float | Unset = UNSET
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        density = self.density

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if density is not UNSET:
            field_dict["density"] = density
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["pcb"] | Unset, d.pop("method", UNSET))
        if method != "pcb" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'pcb', got '{method}'")

        density = d.pop("density", UNSET)

        scaling = d.pop("scaling", UNSET)

        pcb_recipe = cls(
            method=method,
            density=density,
            scaling=scaling,
        )

        return pcb_recipe
