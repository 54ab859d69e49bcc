from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ChangeView")


@_attrs_define
class ChangeView:
    """Distance between a and b; null where a measure is undefined.

    Attributes:
        l2 (float | None): Euclidean norm ‖b − a‖.
        relative (float | None): Relative norm ‖b − a‖ / ‖a‖.
        max_abs (float | None): Largest absolute difference |b − a|.
        cosine (float | None): Cosine of the angle between a and b.
        not_finite (int): Number of elements that are not finite in a or b; the measures ignore them.
    """

    l2: float | None
    relative: float | None
    max_abs: float | None
    cosine: float | None
    not_finite: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        l2: float | None
        l2 = self.l2

        relative: float | None
        relative = self.relative

        max_abs: float | None
        max_abs = self.max_abs

        cosine: float | None
        cosine = self.cosine

        not_finite = self.not_finite

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "l2": l2,
                "relative": relative,
                "max_abs": max_abs,
                "cosine": cosine,
                "not_finite": not_finite,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_l2(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        l2 = _parse_l2(d.pop("l2"))

        def _parse_relative(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        relative = _parse_relative(d.pop("relative"))

        def _parse_max_abs(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        max_abs = _parse_max_abs(d.pop("max_abs"))

        def _parse_cosine(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        cosine = _parse_cosine(d.pop("cosine"))

        not_finite = d.pop("not_finite")

        change_view = cls(
            l2=l2,
            relative=relative,
            max_abs=max_abs,
            cosine=cosine,
            not_finite=not_finite,
        )

        change_view.additional_properties = d
        return change_view

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
