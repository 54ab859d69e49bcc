from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.lineage_view import LineageView


T = TypeVar("T", bound="LineagePage")


@_attrs_define
class LineagePage:
    """Lineages, by name.

    Attributes:
        lineages (list[LineageView]): The lineages on this page.
        next_ (None | str): Cursor of the next page, null on the last.
    """

    lineages: list[LineageView]
    next_: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lineages = []
        for lineages_item_data in self.lineages:
            lineages_item = lineages_item_data.to_dict()
            lineages.append(lineages_item)

        next_: None | str
        next_ = self.next_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lineages": lineages,
                "next": next_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.lineage_view import LineageView  # noqa: PLC0415

        d = dict(src_dict)
        lineages = []
        _lineages = d.pop("lineages")
        for lineages_item_data in _lineages:
            lineages_item = LineageView.from_dict(lineages_item_data)

            lineages.append(lineages_item)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        lineage_page = cls(
            lineages=lineages,
            next_=next_,
        )

        lineage_page.additional_properties = d
        return lineage_page

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
