from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.merge_view import MergeView


T = TypeVar("T", bound="MergePage")


@_attrs_define
class MergePage:
    """Merges of a lineage, newest first, without their reports.

    Attributes:
        merges (list[MergeView]): The merges on this page.
        next_ (None | str): Cursor of the next page, null on the last.
    """

    merges: list[MergeView]
    next_: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        merges = []
        for merges_item_data in self.merges:
            merges_item = merges_item_data.to_dict()
            merges.append(merges_item)

        next_: None | str
        next_ = self.next_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "merges": merges,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.merge_view import MergeView  # noqa: PLC0415

        d = dict(src_dict)
        merges = []
        _merges = d.pop("merges")
        for merges_item_data in _merges:
            merges_item = MergeView.from_dict(merges_item_data)

            merges.append(merges_item)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        merge_page = cls(
            merges=merges,
            next_=next_,
        )

        merge_page.additional_properties = d
        return merge_page

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
