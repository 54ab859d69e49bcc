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

T = TypeVar("T", bound="LinearRecipe")


@_attrs_define
class LinearRecipe:
    """Linear interpolation: (1 − α) θ + α θ'. Source: WiSE-FT, arXiv 2109.01903.

    Attributes:
        method (Literal['linear'] | Unset): Name of the merge method. Default: 'linear'.
        alpha (float | Unset): α: the checkpoint's share
    """

    method: Literal["linear"] | Unset = "linear"
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
        method = cast(Literal["linear"] | Unset, d.pop("method", UNSET))
        if method != "linear" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'linear', got '{method}'")

        alpha = d.pop("alpha", UNSET)

        linear_recipe = cls(
            method=method,
            alpha=alpha,
        )

        return linear_recipe
