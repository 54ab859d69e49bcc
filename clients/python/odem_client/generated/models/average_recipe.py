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

T = TypeVar("T", bound="AverageRecipe")


@_attrs_define
class AverageRecipe:
    """The running average: θ + (θ' − θ) T_k with T_k from the utilities, 1/k if they are equal. Source: model soups, arXiv
    2203.05482.

        Attributes:
            method (Literal['average'] | Unset): Name of the merge method. Default: 'average'.
    """

    method: Literal["average"] | Unset = "average"

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
        method = cast(Literal["average"] | Unset, d.pop("method", UNSET))
        if method != "average" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'average', got '{method}'")

        average_recipe = cls(
            method=method,
        )

        return average_recipe
