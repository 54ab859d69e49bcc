"""Server-sent events, typed.

Source: the HTML standard, section 9.2 (server-sent events).
"""

import json
from dataclasses import dataclass
from typing import Any

from odem_client.generated.models import GapEvent, MergeState, PresentEvent, ProgressEvent, StateEvent, VersionEvent

Event = StateEvent | ProgressEvent | VersionEvent | GapEvent | PresentEvent
ENDED = frozenset({MergeState.SUCCEEDED, MergeState.REJECTED, MergeState.FAILED, MergeState.CANCELLED})
"""The states that a merge does not leave."""
_KINDS: dict[str, type[StateEvent | ProgressEvent | VersionEvent | GapEvent | PresentEvent]] = {
    "state": StateEvent,
    "progress": ProgressEvent,
    "version": VersionEvent,
    "gap": GapEvent,
    "present": PresentEvent,
}


@dataclass
class EventReader:
    """Makes events of the lines of a stream. Events of a kind that this package does not know are left out.

    last_id: of the last event that came whole; what `Last-Event-ID` is to say.
    """

    last_id: str | None = None
    _id: str | None = None
    _data: str = ""

    def take(self, line: str) -> Event | None:
        """Take one line, without its end; returns the event that it completes."""
        if line:
            self._note(line)
            return None
        event = _event(json.loads(self._data)) if self._data else None
        self.last_id, self._id, self._data = self._id or self.last_id, None, ""
        return event

    def forget(self) -> None:
        """Drop an event that was cut off."""
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
