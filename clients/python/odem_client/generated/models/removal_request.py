from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RemovalRequest")


@_attrs_define
class RemovalRequest:
    """A task to take out of a lineage's head.

    Attributes:
        checkpoint (None | str | Unset): Digest that the task's checkpoint must have. The checkpoint must be stored:
            upload it again with POST /blobs if it is not.
    """

    checkpoint: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        checkpoint: None | str | Unset
        if isinstance(self.checkpoint, Unset):
            checkpoint = UNSET
        else:
            checkpoint = self.checkpoint

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if checkpoint is not UNSET:
            field_dict["checkpoint"] = checkpoint

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_checkpoint(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        checkpoint = _parse_checkpoint(d.pop("checkpoint", UNSET))

        removal_request = cls(
            checkpoint=checkpoint,
        )

        return removal_request
