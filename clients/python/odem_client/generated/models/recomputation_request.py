from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.recomputation_request_recipe import RecomputationRequestRecipe


T = TypeVar("T", bound="RecomputationRequest")


@_attrs_define
class RecomputationRequest:
    """The recipe that computes the head's weights anew.

    Attributes:
        recipe (RecomputationRequestRecipe): Parameters that override the lineage's recipe.
    """

    recipe: RecomputationRequestRecipe

    def to_dict(self) -> dict[str, Any]:
        recipe = self.recipe.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "recipe": recipe,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.recomputation_request_recipe import RecomputationRequestRecipe  # noqa: PLC0415

        d = dict(src_dict)
        recipe = RecomputationRequestRecipe.from_dict(d.pop("recipe"))

        recomputation_request = cls(
            recipe=recipe,
        )

        return recomputation_request
