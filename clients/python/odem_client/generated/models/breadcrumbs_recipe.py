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

T = TypeVar("T", bound="BreadcrumbsRecipe")


@_attrs_define
class BreadcrumbsRecipe:
    """Model Breadcrumbs: mask the smallest and the largest entries of each task vector, add the rest; exact continually.
    Source: arXiv 2312.06795.

        Attributes:
            method (Literal['breadcrumbs'] | Unset): Name of the merge method. Default: 'breadcrumbs'.
            density (float | Unset): share of a tensor's entries that stay. Default: mergekit's documentation
            gamma (float | Unset): share of the largest entries that are masked. Default: mergekit
            scaling (float | Unset): factor of the sum. Default: task arithmetic's, arXiv 2212.04089
    """

    method: Literal["breadcrumbs"] | Unset = "breadcrumbs"
    density: float | Unset = UNSET
    gamma: float | Unset = UNSET
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        density = self.density

        gamma = self.gamma

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if density is not UNSET:
            field_dict["density"] = density
        if gamma is not UNSET:
            field_dict["gamma"] = gamma
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["breadcrumbs"] | Unset, d.pop("method", UNSET))
        if method != "breadcrumbs" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'breadcrumbs', got '{method}'")

        density = d.pop("density", UNSET)

        gamma = d.pop("gamma", UNSET)

        scaling = d.pop("scaling", UNSET)

        breadcrumbs_recipe = cls(
            method=method,
            density=density,
            gamma=gamma,
            scaling=scaling,
        )

        return breadcrumbs_recipe
