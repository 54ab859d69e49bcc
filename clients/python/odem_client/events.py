"""Typed server-sent events.

Source: the HTML standard, section 9.2 (server-sent events).
"""

import json
from dataclasses import dataclass
from typing import Any

from odem_client.generated.models import GapEvent, MergeState, PresentEvent, ProgressEvent, StateEvent, VersionEvent

Event = StateEvent | ProgressEvent | VersionEvent | GapEvent | PresentEvent
ENDED = frozenset({MergeState.SUCCEEDED, MergeState.REJECTED, MergeState.FAILED, MergeState.CANCELLED})
"""Final states of a merge."""
_KINDS: dict[str, type[StateEvent | ProgressEvent | VersionEvent | GapEvent | PresentEvent]] = {
    "state": StateEvent,
    "progress": ProgressEvent,
    "version": VersionEvent,
    "gap": GapEvent,
    "present": PresentEvent,
}


@dataclass
class EventReader:
    """Parses the lines of a stream into events. Unknown kinds of event are skipped.

    last_id: ID of the last complete event, for the header `Last-Event-ID`.
    """

    last_id: str | None = None
    _id: str | None = None
    _data: str = ""

    def take(self, line: str) -> Event | None:
        """Parse one line without its line end; returns the event that it completes, if any."""
        if line:
            self._note(line)
            return None
        event = _event(json.loads(self._data)) if self._data else None
        self.last_id, self._id, self._data = self._id or self.last_id, None, ""
        return event

    def forget(self) -> None:
        """Drop an incomplete event."""
        self._id, self._data = None, ""

    def _note(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data += value
        elif field == "id":
            self._id = value


def _event(data: dict[str, Any]) -> Event | None:
    kind = _KINDS.get(data.get("type", ""))
    return None if kind is None else kind.from_dict(data)


def ends(event: Event) -> bool:
    """Whether this is the last event of a merge."""
    return isinstance(event, StateEvent) and event.state in ENDED
