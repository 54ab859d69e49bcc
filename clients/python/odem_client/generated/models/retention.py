from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="Retention")


@_attrs_define
class Retention:
    """Keep the last `keep_last` versions, the base, and every version that an alias names or that is pinned.

    Other versions are retired: record and number stay, the weights may be garbage collected.

        Attributes:
            keep_last (int): How many of the newest versions are kept.
    """

    keep_last: int

    def to_dict(self) -> dict[str, Any]:
        keep_last = self.keep_last

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "keep_last": keep_last,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        keep_last = d.pop("keep_last")

        retention = cls(
            keep_last=keep_last,
        )

        return retention
