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
    from ..models.progress import Progress


T = TypeVar("T", bound="ProgressEvent")


@_attrs_define
class ProgressEvent:
    """Progress of a running merge. Only the newest is sent, without an id, so resuming clients do not get it again.

    Attributes:
        lineage (str): Lineage of the merge.
        merge (str): Id of the merge.
        progress (Progress): The progress of a running merge.
        type_ (Literal['progress'] | Unset): Name of the event. Default: 'progress'.
    """

    lineage: str
    merge: str
    progress: Progress
    type_: Literal["progress"] | Unset = "progress"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lineage = self.lineage

        merge = self.merge

        progress = self.progress.to_dict()

        type_ = self.type_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lineage": lineage,
                "merge": merge,
                "progress": progress,
            }
        )
        if type_ is not UNSET:
            field_dict["type"] = type_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.progress import Progress  # noqa: PLC0415

        d = dict(src_dict)
        lineage = d.pop("lineage")

        merge = d.pop("merge")

        progress = Progress.from_dict(d.pop("progress"))

        type_ = cast(Literal["progress"] | Unset, d.pop("type", UNSET))
        if type_ != "progress" and not isinstance(type_, Unset):
            raise ValueError(f"type must match const 'progress', got '{type_}'")

        progress_event = cls(
            lineage=lineage,
            merge=merge,
            progress=progress,
            type_=type_,
        )

        progress_event.additional_properties = d
        return progress_event

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
