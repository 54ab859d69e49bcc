"""How stored fields become records."""

import json
from datetime import UTC, datetime
from typing import Any

from registry.merge import Merge, MergeProblem, MergeState, Progress
from registry.version import Version


def merge_of(fields: dict[str, str]) -> Merge:
    """A merge from its hash."""
    asked = Merge.model_validate_json(fields["record"])
    return asked.model_copy(
        update={
            "state": MergeState(fields["state"]),
            "attempt": int(fields["attempt"]),
            "fence": int(fields["fence"]),
            "cancel_requested": "cancel" in fields,
            "created_at": _time(fields["created"]),
            "started_at": _time(fields.get("started")),
            "ended_at": _time(fields.get("ended")),
            "version": int(fields["version"]) if "version" in fields else None,
            "progress": Progress.model_validate_json(fields["progress"]) if "progress" in fields else None,
            "problem": MergeProblem.model_validate_json(fields["problem"]) if "problem" in fields else None,
            "report": _object(fields.get("report")),
        }
    )


def version_of(text: str, retired: str | None) -> Version:
    """A version from its JSON and the time of its retirement."""
    version = Version.model_validate_json(text)
    return version.model_copy(update={"retired_at": datetime.fromisoformat(retired)}) if retired else version


def _object(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None


def _time(milliseconds: str | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
