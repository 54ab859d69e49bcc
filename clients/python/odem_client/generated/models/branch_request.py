from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="BranchRequest")


@_attrs_define
class BranchRequest:
    """A new lineage and the version that it starts from.

    Attributes:
        name (str): Name of the new lineage.
        version (str | Unset): A number, `latest` or an alias of the old lineage. Default: 'latest'.
    """

    name: str
    version: str | Unset = "latest"

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if version is not UNSET:
            field_dict["version"] = version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        version = d.pop("version", UNSET)

        branch_request = cls(
            name=name,
            version=version,
        )

        return branch_request
