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

T = TypeVar("T", bound="ModelStockRecipe")


@_attrs_define
class ModelStockRecipe:
    """Model Stock: the mean of all checkpoints, nearer to the base the less they agree, per tensor; exact continually.
    Source: arXiv 2403.19522.

        Attributes:
            method (Literal['model_stock'] | Unset): Name of the merge method. Default: 'model_stock'.
    """

    method: Literal["model_stock"] | Unset = "model_stock"

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["model_stock"] | Unset, d.pop("method", UNSET))
        if method != "model_stock" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'model_stock', got '{method}'")

        model_stock_recipe = cls(
            method=method,
        )

        return model_stock_recipe
