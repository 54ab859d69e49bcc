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

from ..models.dare_recipe_scope import DareRecipeScope
from ..models.dare_recipe_then import DareRecipeThen
from ..types import UNSET, Unset

T = TypeVar("T", bound="DareRecipe")


@_attrs_define
class DareRecipe:
    """DARE: drop entries of τ' with probability p, divide the rest by 1 − p, then merge. Source: arXiv 2311.03099.

    Attributes:
        method (Literal['dare'] | Unset): Name of the merge method. Default: 'dare'.
        drop_rate (float | Unset): p: probability that an entry is dropped
        seed (int | Unset): seed of the drops, which also differ by the task's name
        then (DareRecipeThen | Unset): method that merges the thinned τ'
        scaling (float | Unset): λ: factor of the merged task vector
        density (float | Unset): share of a task vector's entries that trimming keeps; entries equal to the smallest
            kept one all stay
        scope (DareRecipeScope | Unset): what is trimmed at once: each tensor, or the whole model
    """

    method: Literal["dare"] | Unset = "dare"
    drop_rate: float | Unset = UNSET
    seed: int | Unset = UNSET
    then: DareRecipeThen | Unset = UNSET
    scaling: float | Unset = UNSET
    density: float | Unset = UNSET
    scope: DareRecipeScope | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        drop_rate = self.drop_rate

        seed = self.seed

        then: str | Unset = UNSET
        if not isinstance(self.then, Unset):
            then = self.then.value

        scaling = self.scaling

        density = self.density

        scope: str | Unset = UNSET
        if not isinstance(self.scope, Unset):
            scope = self.scope.value

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if drop_rate is not UNSET:
            field_dict["drop_rate"] = drop_rate
        if seed is not UNSET:
            field_dict["seed"] = seed
        if then is not UNSET:
            field_dict["then"] = then
        if scaling is not UNSET:
            field_dict["scaling"] = scaling
        if density is not UNSET:
            field_dict["density"] = density
        if scope is not UNSET:
            field_dict["scope"] = scope

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["dare"] | Unset, d.pop("method", UNSET))
        if method != "dare" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'dare', got '{method}'")

        drop_rate = d.pop("drop_rate", UNSET)

        seed = d.pop("seed", UNSET)

        _then = d.pop("then", UNSET)
        then: DareRecipeThen | Unset
        if isinstance(_then, Unset):
            then = UNSET
        else:
            then = DareRecipeThen(_then)

        scaling = d.pop("scaling", UNSET)

        density = d.pop("density", UNSET)

        _scope = d.pop("scope", UNSET)
        scope: DareRecipeScope | Unset
        if isinstance(_scope, Unset):
            scope = UNSET
        else:
            scope = DareRecipeScope(_scope)

        dare_recipe = cls(
            method=method,
            drop_rate=drop_rate,
            seed=seed,
            then=then,
            scaling=scaling,
            density=density,
            scope=scope,
        )

        return dare_recipe
