from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="JoinRequest")


@_attrs_define
class JoinRequest:
    """The version whose tasks are added to a lineage's head.

    Attributes:
        lineage (str): The other lineage, of the same base; no task may be in both.
        version (str | Unset): A number, `latest` or an alias of the other lineage. Default: 'latest'.
    """

    lineage: str
    version: str | Unset = "latest"

    def to_dict(self) -> dict[str, Any]:
        lineage = self.lineage

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "lineage": lineage,
            }
        )
        if version is not UNSET:
            field_dict["version"] = version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        lineage = d.pop("lineage")

        version = d.pop("version", UNSET)

        join_request = cls(
            lineage=lineage,
            version=version,
        )

        return join_request
