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
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="GapEvent")


@_attrs_define
class GapEvent:
    """Notice that the events after Last-Event-ID are no longer stored. The present state and new events follow.

    Attributes:
        lineage (str): Name of the lineage.
        type_ (Literal['gap'] | Unset): Name of the event. Default: 'gap'.
        detail (str | Unset): Explanation for people. Default: 'The events after this Last-Event-ID are no longer
            stored. The present state follows.'.
    """

    lineage: str
    type_: Literal["gap"] | Unset = "gap"
    detail: str | Unset = (
        "The events after this Last-Event-ID are no longer stored. The present state follows."
    )
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lineage = self.lineage

        type_ = self.type_

        detail = self.detail

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lineage": lineage,
            }
        )
        if type_ is not UNSET:
            field_dict["type"] = type_
        if detail is not UNSET:
            field_dict["detail"] = detail

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        lineage = d.pop("lineage")

        type_ = cast(Literal["gap"] | Unset, d.pop("type", UNSET))
        if type_ != "gap" and not isinstance(type_, Unset):
            raise ValueError(f"type must match const 'gap', got '{type_}'")

        detail = d.pop("detail", UNSET)

        gap_event = cls(
            lineage=lineage,
            type_=type_,
            detail=detail,
        )

        gap_event.additional_properties = d
        return gap_event

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
