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

T = TypeVar("T", bound="MagMaxRecipe")


@_attrs_define
class MagMaxRecipe:
    """MagMax: per entry the task vector of largest magnitude so far. Source: arXiv 2407.06322.

    Attributes:
        method (Literal['magmax'] | Unset): Name of the merge method. Default: 'magmax'.
        scaling (float | Unset): λ: factor of the merged task vector
    """

    method: Literal["magmax"] | Unset = "magmax"
    scaling: float | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        scaling = self.scaling

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if scaling is not UNSET:
            field_dict["scaling"] = scaling

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["magmax"] | Unset, d.pop("method", UNSET))
        if method != "magmax" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'magmax', got '{method}'")

        scaling = d.pop("scaling", UNSET)

        mag_max_recipe = cls(
            method=method,
            scaling=scaling,
        )

        return mag_max_recipe
