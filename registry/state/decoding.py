"""Records from stored fields.

Records never change, and clients read the same ones again and again, so parsed JSON is cached. Long texts, with large
reports, are not.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from registry.lineage import Lineage
from registry.merge import Merge, MergeProblem, MergeState, Progress
from registry.version import Version

_CACHED_CHARACTERS = 16 << 10


def merge_of(fields: dict[str, str]) -> Merge:
    """A merge from its hash."""
    request = _request(fields["record"])
    return request.model_copy(
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
    version = _cached_version(text) if len(text) <= _CACHED_CHARACTERS else Version.model_validate_json(text)
    return version.model_copy(update={"retired_at": datetime.fromisoformat(retired)}) if retired else version


@lru_cache(maxsize=1024)
def lineage_of(text: str) -> Lineage:
    """A lineage from its JSON."""
    return Lineage.model_validate_json(text)


@lru_cache(maxsize=1024)
def _request(text: str) -> Merge:
    return Merge.model_validate_json(text)


@lru_cache(maxsize=256)
def _cached_version(text: str) -> Version:
    return Version.model_validate_json(text)


def _object(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None


def _time(milliseconds: str | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
