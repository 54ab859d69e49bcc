from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="UploadView")


@_attrs_define
class UploadView:
    """A resumable upload.

    Attributes:
        id (str): ID of the upload; last segment of its URL.
        length (int): Size of the whole file in bytes.
        offset (int): Bytes that are durably stored.
        digest (None | str): The blob that the complete upload has become; null before.
        created_at (datetime.datetime): When the upload was created.
        expires_at (datetime.datetime): When an unfinished upload is deleted.
    """

    id: str
    length: int
    offset: int
    digest: None | str
    created_at: datetime.datetime
    expires_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        length = self.length

        offset = self.offset

        digest: None | str
        digest = self.digest

        created_at = self.created_at.isoformat()

        expires_at = self.expires_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "length": length,
                "offset": offset,
                "digest": digest,
                "created_at": created_at,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        id = d.pop("id")

        length = d.pop("length")

        offset = d.pop("offset")

        def _parse_digest(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        digest = _parse_digest(d.pop("digest"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        upload_view = cls(
            id=id,
            length=length,
            offset=offset,
            digest=digest,
            created_at=created_at,
            expires_at=expires_at,
        )

        upload_view.additional_properties = d
        return upload_view

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
