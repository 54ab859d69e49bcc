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

T = TypeVar("T", bound="SlerpRecipe")


@_attrs_define
class SlerpRecipe:
    """Slerp: along the great circle from θ to θ', per tensor. Source: K. Shoemake, SIGGRAPH 1985.

    Attributes:
        method (Literal['slerp'] | Unset): Name of the merge method. Default: 'slerp'.
        operating_time (float | Literal['utilities'] | Unset): T: from the tasks' utilities, or given
    """

    method: Literal["slerp"] | Unset = "slerp"
    operating_time: float | Literal["utilities"] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        method = self.method

        operating_time: float | Literal["utilities"] | Unset
        if isinstance(self.operating_time, Unset):
            operating_time = UNSET
        else:
            operating_time = self.operating_time

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if method is not UNSET:
            field_dict["method"] = method
        if operating_time is not UNSET:
            field_dict["operating_time"] = operating_time

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        method = cast(Literal["slerp"] | Unset, d.pop("method", UNSET))
        if method != "slerp" and not isinstance(method, Unset):
            raise ValueError(f"method must match const 'slerp', got '{method}'")

        def _parse_operating_time(data: object) -> float | Literal["utilities"] | Unset:
            if isinstance(data, Unset):
                return data
            operating_time_type_1 = cast(Literal["utilities"], data)
            if operating_time_type_1 != "utilities":
                raise ValueError(
                    f"operating_time_type_1 must match const 'utilities', got '{operating_time_type_1}'"
                )
            return operating_time_type_1
            return cast(float | Literal["utilities"] | Unset, data)

        operating_time = _parse_operating_time(d.pop("operating_time", UNSET))

        slerp_recipe = cls(
            method=method,
            operating_time=operating_time,
        )

        return slerp_recipe
