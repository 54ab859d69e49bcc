from __future__ import annotations

import datetime
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

T = TypeVar("T", bound="VersionEvent")


@_attrs_define
class VersionEvent:
    """A new version of a lineage, created by a merge or a rollback.

    Attributes:
        lineage (str): Lineage of the version.
        version (str): Name of the version.
        merge (None | str): Id of the merge that created it; null for a rollback.
        origin (None | str): The version that a rollback or a new branch repeats; null for a merge.
        at (datetime.datetime): When the version was created.
        type_ (Literal['version'] | Unset): Name of the event. Default: 'version'.
    """

    lineage: str
    version: str
    merge: None | str
    origin: None | str
    at: datetime.datetime
    type_: Literal["version"] | Unset = "version"
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        lineage = self.lineage

        version = self.version

        merge: None | str
        merge = self.merge

        origin: None | str
        origin = self.origin

        at = self.at.isoformat()

        type_ = self.type_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "lineage": lineage,
                "version": version,
                "merge": merge,
                "origin": origin,
                "at": at,
            }
        )
        if type_ is not UNSET:
            field_dict["type"] = type_

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        lineage = d.pop("lineage")

        version = d.pop("version")

        def _parse_merge(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        merge = _parse_merge(d.pop("merge"))

        def _parse_origin(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        origin = _parse_origin(d.pop("origin"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        type_ = cast(Literal["version"] | Unset, d.pop("type", UNSET))
        if type_ != "version" and not isinstance(type_, Unset):
            raise ValueError(f"type must match const 'version', got '{type_}'")

        version_event = cls(
            lineage=lineage,
            version=version,
            merge=merge,
            origin=origin,
            at=at,
            type_=type_,
        )

        version_event.additional_properties = d
        return version_event

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
