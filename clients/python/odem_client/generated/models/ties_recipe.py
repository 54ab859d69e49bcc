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

from ..models.ties_recipe_scope import TiesRecipeScope
from ..types import UNSET, Unset

T = TypeVar("T", bound="TiesRecipe")


@_attrs_define
class TiesRecipe:
    """TIES: trim, elect a sign, average the entries of that sign; exact continually. Source: arXiv 2306.01708.

    Attributes:
        method (Literal['ties'] | Unset): Name of the merge method. Default: 'ties'.
        density (float | Unset): share of a task vector's entries that trimming keeps; entries equal to the smallest
            kept one all stay
        scaling (float | Unset): λ: factor of the merged task vector
        scope (TiesRecipeScope | Unset): what is trimmed at once: each tensor, or the whole model
    """

    method: Literal["ties"] | Unset = "ties"
    density: float | Unset = UNSET
    scaling: float | Unset = UNSET
    scope: TiesRecipeScope | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        density = self.density

        scaling = self.scaling

        scope: str | Unset = UNSET
        if not isinstance(self.scope, Unset):
            scope = self.scope.value

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if density is not UNSET:
            field_dict["density"] = density
        if scaling is not UNSET:
            field_dict["scaling"] = scaling
        if scope is not UNSET:
            field_dict["scope"] = scope

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["ties"] | Unset, d.pop("method", UNSET))
        if method != "ties" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'ties', got '{method}'")

        density = d.pop("density", UNSET)

        scaling = d.pop("scaling", UNSET)

        _scope = d.pop("scope", UNSET)
        scope: TiesRecipeScope | Unset
        if isinstance(_scope, Unset):
            scope = UNSET
        else:
            scope = TiesRecipeScope(_scope)

        ties_recipe = cls(
            method=method,
            density=density,
            scaling=scaling,
            scope=scope,
        )

        return ties_recipe
