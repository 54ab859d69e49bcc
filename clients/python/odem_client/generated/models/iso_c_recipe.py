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

T = TypeVar("T", bound="IsoCRecipe")


@_attrs_define
class IsoCRecipe:
    """Iso-C: the sum of all task vectors with a flat spectrum, per matrix; exact continually. Source: arXiv 2502.04959.

    Attributes:
        method (Literal['iso_c'] | Unset): Name of the merge method. Default: 'iso_c'.
        scaling (float | Unset): factor of the merged matrices. Default: FusionBench's configuration of Iso-C
    """

    method: Literal["iso_c"] | Unset = "iso_c"
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["iso_c"] | Unset, d.pop("method", UNSET))
        if method != "iso_c" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'iso_c', got '{method}'")

        scaling = d.pop("scaling", UNSET)

        iso_c_recipe = cls(
            method=method,
            scaling=scaling,
        )

        return iso_c_recipe
