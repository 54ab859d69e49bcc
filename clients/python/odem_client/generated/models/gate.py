from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Gate")


@_attrs_define
class Gate:
    """Limits that a merge must meet on the calibration samples of every earlier task, or it is rejected.

    The incoming task is not judged, because it has no earlier value.

        Attributes:
            max_drop (float | None | Unset): Largest drop of a task's accuracy, as a share (0.03: three points).
            max_loss_rise (float | None | Unset): Largest rise of a task's loss.
    """

    max_drop: float | None | Unset = UNSET
    max_loss_rise: float | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        max_drop: float | None | Unset
        if isinstance(self.max_drop, Unset):
            max_drop = UNSET
        else:
            max_drop = self.max_drop

        max_loss_rise: float | None | Unset
        if isinstance(self.max_loss_rise, Unset):
            max_loss_rise = UNSET
        else:
            max_loss_rise = self.max_loss_rise

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if max_drop is not UNSET:
            field_dict["max_drop"] = max_drop
        if max_loss_rise is not UNSET:
            field_dict["max_loss_rise"] = max_loss_rise

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_max_drop(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        max_drop = _parse_max_drop(d.pop("max_drop", UNSET))

        def _parse_max_loss_rise(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        max_loss_rise = _parse_max_loss_rise(d.pop("max_loss_rise", UNSET))

        gate = cls(
            max_drop=max_drop,
            max_loss_rise=max_loss_rise,
        )

        return gate
