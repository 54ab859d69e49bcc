from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Self,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.state_event import StateEvent


T = TypeVar("T", bound="PresentEvent")


@_attrs_define
class PresentEvent:
    """Present state of a lineage, at the start of its stream.

    Attributes:
        lineage (str): Name of the lineage.
        head (str): The newest version.
        waiting (int): Number of unfinished merges.
        merges (list[StateEvent]): The first unfinished merges, at most 100.
        type_ (Literal['present'] | Unset): Name of the event. Default: 'present'.
    """

    lineage: str
    head: str
    waiting: int
    merges: list[StateEvent]
    type_: Literal["present"] | Unset = "present"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lineage = self.lineage

        head = self.head

        waiting = self.waiting

        merges = []
        for merges_item_data in self.merges:
            merges_item = merges_item_data.to_dict()
            merges.append(merges_item)

        type_ = self.type_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lineage": lineage,
                "head": head,
                "waiting": waiting,
                "merges": merges,
            }
        )
        if type_ is not UNSET:
            field_dict["type"] = type_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.state_event import StateEvent  # noqa: PLC0415

        d = dict(src_dict)
        lineage = d.pop("lineage")

        head = d.pop("head")

        waiting = d.pop("waiting")

        merges = []
        _merges = d.pop("merges")
        for merges_item_data in _merges:
            merges_item = StateEvent.from_dict(merges_item_data)

            merges.append(merges_item)

        type_ = cast(Literal["present"] | Unset, d.pop("type", UNSET))
        if type_ != "present" and not isinstance(type_, Unset):
            raise ValueError(f"type must match const 'present', got '{type_}'")

        present_event = cls(
            lineage=lineage,
            head=head,
            waiting=waiting,
            merges=merges,
            type_=type_,
        )

        present_event.additional_properties = d
        return present_event

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
