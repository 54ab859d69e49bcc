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

T = TypeVar("T", bound="DellaRecipe")


@_attrs_define
class DellaRecipe:
    """DELLA: drop entries at random, small ones more often, then elect signs and average; exact continually. Source: arXiv
    2406.11617.

        Attributes:
            method (Literal['della'] | Unset): Name of the merge method. Default: 'della'.
            density (float | Unset): mean probability that an entry is kept; density ± epsilon must lie between 0 and 1.
                Default: the middle of the source's range
            epsilon (float | Unset): half the span of the probabilities, from a row's smallest entry to its largest.
                Default: mergekit
            scaling (float | Unset): factor of the elected mean. Default: mergekit's λ
            seed (int | Unset): seed of the drops, which also differ by the task's name
    """

    method: Literal["della"] | Unset = "della"
    density: float | Unset = UNSET
    epsilon: float | Unset = UNSET
    scaling: float | Unset = UNSET
    seed: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        density = self.density

        epsilon = self.epsilon

        scaling = self.scaling

        seed = self.seed

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if density is not UNSET:
            field_dict["density"] = density
        if epsilon is not UNSET:
            field_dict["epsilon"] = epsilon
        if scaling is not UNSET:
            field_dict["scaling"] = scaling
        if seed is not UNSET:
            field_dict["seed"] = seed

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["della"] | Unset, d.pop("method", UNSET))
        if method != "della" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'della', got '{method}'")

        density = d.pop("density", UNSET)

        epsilon = d.pop("epsilon", UNSET)

        scaling = d.pop("scaling", UNSET)

        seed = d.pop("seed", UNSET)

        della_recipe = cls(
            method=method,
            density=density,
            epsilon=epsilon,
            scaling=scaling,
            seed=seed,
        )

        return della_recipe
