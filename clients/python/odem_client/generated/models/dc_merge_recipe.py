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

T = TypeVar("T", bound="DcMergeRecipe")


@_attrs_define
class DcMergeRecipe:
    """DC-Merge: task vectors aggregated in an orthogonal cover of their leading singular spaces, per matrix; exact
    continually. Source: arXiv 2603.06242.

        Attributes:
            method (Literal['dc_merge'] | Unset): Name of the merge method. Default: 'dc_merge'.
            density (float | Unset): share of a task's entries in the cover that stay. Default: the authors' code
            scaling (float | Unset): factor of the merged matrices. Default: 1, about which the authors' code searches
    """

    method: Literal["dc_merge"] | Unset = "dc_merge"
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
        method = cast(Literal["dc_merge"] | Unset, d.pop("method", UNSET))
        if method != "dc_merge" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'dc_merge', got '{method}'")

        density = d.pop("density", UNSET)

        scaling = d.pop("scaling", UNSET)

        dc_merge_recipe = cls(
            method=method,
            density=density,
            scaling=scaling,
        )

        return dc_merge_recipe
