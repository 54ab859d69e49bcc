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

T = TypeVar("T", bound="LocalizeAndStitchRecipe")


@_attrs_define
class LocalizeAndStitchRecipe:
    """Localize-and-Stitch without data: the largest entries of each task vector, averaged where they overlap; exact
    continually. Source: arXiv 2408.13656.

        Attributes:
            method (Literal['localize_and_stitch'] | Unset): Name of the merge method. Default: 'localize_and_stitch'.
            density (float | Unset): share of the model's entries that are a task's. Default: the authors' code
            scaling (float | Unset): factor of the stitched vector. Default: arXiv 2408.13656
    """

    method: Literal["localize_and_stitch"] | Unset = "localize_and_stitch"
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
        method = cast(Literal["localize_and_stitch"] | Unset, d.pop("method", UNSET))
        if method != "localize_and_stitch" and not isinstance(method, Unset):
            raise ValueError(
                f"method must match const 'localize_and_stitch', got '{method}'"
            )

        density = d.pop("density", UNSET)

        scaling = d.pop("scaling", UNSET)

        localize_and_stitch_recipe = cls(
            method=method,
            density=density,
            scaling=scaling,
        )

        return localize_and_stitch_recipe
