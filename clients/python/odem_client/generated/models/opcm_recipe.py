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

T = TypeVar("T", bound="OpcmRecipe")


@_attrs_define
class OpcmRecipe:
    """OPCM: project each linear weight's τ' away from the leading subspace of the merged one. Source: arXiv 2501.09522.

    Attributes:
        method (Literal['opcm'] | Unset): Name of the merge method. Default: 'opcm'.
        alpha (float | Unset): α: the leading subspace holds more than this share of the sum of singular values
    """

    method: Literal["opcm"] | Unset = "opcm"
    alpha: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        alpha = self.alpha

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if alpha is not UNSET:
            field_dict["alpha"] = alpha

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["opcm"] | Unset, d.pop("method", UNSET))
        if method != "opcm" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'opcm', got '{method}'")

        alpha = d.pop("alpha", UNSET)

        opcm_recipe = cls(
            method=method,
            alpha=alpha,
        )

        return opcm_recipe
