from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="RetentionView")


@_attrs_define
class RetentionView:
    """A lineage's retention rule and its effect, in numbers of versions.

    Attributes:
        keep_last (int | None): How many of the newest versions are kept; null: all.
        pins (list[int]): Versions that are never retired.
        would_retire (list[int]): Versions that the rule would retire now.
        retired (list[int] | Unset): Versions that this request has retired.
    """

    keep_last: int | None
    pins: list[int]
    would_retire: list[int]
    retired: list[int] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        keep_last: int | None
        keep_last = self.keep_last

        pins = self.pins

        would_retire = self.would_retire

        retired: list[int] | Unset = UNSET
        if not isinstance(self.retired, Unset):
            retired = self.retired

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "keep_last": keep_last,
                "pins": pins,
                "would_retire": would_retire,
            }
        )
        if retired is not UNSET:
            field_dict["retired"] = retired

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_keep_last(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        keep_last = _parse_keep_last(d.pop("keep_last"))

        pins = cast(list[int], d.pop("pins"))

        would_retire = cast(list[int], d.pop("would_retire"))

        retired = cast(list[int], d.pop("retired", UNSET))

        retention_view = cls(
            keep_last=keep_last,
            pins=pins,
            would_retire=would_retire,
            retired=retired,
        )

        retention_view.additional_properties = d
        return retention_view

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
