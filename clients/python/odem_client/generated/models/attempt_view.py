from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="AttemptView")


@_attrs_define
class AttemptView:
    """An attempt to deliver a message; `merge` is `test` for a test message.

    Attributes:
        time (datetime.datetime): When the attempt was made.
        merge (str): ID of the merge; `test` for a test message.
        message (str): ID of the message; the same for each attempt.
        attempt (int): Number of the attempt, from 1.
        status (int | None): Status of the receiver's response; null without one.
        error (None | str): Why the attempt failed; null after success.
        milliseconds (int): Duration of the attempt.
        next_at (datetime.datetime | None | Unset): When the next attempt is due; null if there is none.
    """

    time: datetime.datetime
    merge: str
    message: str
    attempt: int
    status: int | None
    error: None | str
    milliseconds: int
    next_at: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        time = self.time.isoformat()

        merge = self.merge

        message = self.message

        attempt = self.attempt

        status: int | None
        status = self.status

        error: None | str
        error = self.error

        milliseconds = self.milliseconds

        next_at: None | str | Unset
        if isinstance(self.next_at, Unset):
            next_at = UNSET
        elif isinstance(self.next_at, datetime.datetime):
            next_at = self.next_at.isoformat()
        else:
            next_at = self.next_at

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "time": time,
                "merge": merge,
                "message": message,
                "attempt": attempt,
                "status": status,
                "error": error,
                "milliseconds": milliseconds,
            }
        )
        if next_at is not UNSET:
            field_dict["next_at"] = next_at

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        time = datetime.datetime.fromisoformat(d.pop("time"))

        merge = d.pop("merge")

        message = d.pop("message")

        attempt = d.pop("attempt")

        def _parse_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        status = _parse_status(d.pop("status"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        milliseconds = d.pop("milliseconds")

        def _parse_next_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        next_at = _parse_next_at(d.pop("next_at", UNSET))

        attempt_view = cls(
            time=time,
            merge=merge,
            message=message,
            attempt=attempt,
            status=status,
            error=error,
            milliseconds=milliseconds,
            next_at=next_at,
        )

        return attempt_view
