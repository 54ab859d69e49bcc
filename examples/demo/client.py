"""The service's routes that the demo uses. Files are streamed from and to the disk."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import httpx

Json = dict[str, Any]

_ENDED = frozenset({"succeeded", "failed", "rejected", "cancelled"})
_SAFETENSORS = "application/vnd.safetensors"


class Refused(Exception):
    """The service answered with a problem, or a merge did not succeed; the message is the service's own."""


class Client:
    """A client of the service at a URL."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60.0, trust_env=False)

    def send_blob(self, path: Path) -> str:
        """Send a file; returns its digest."""
        with path.open("rb") as file:
            return str(_checked(self._http.post("/blobs", content=file))["digest"])

    def create_lineage(self, document: Json) -> None:
        """Create a lineage from its document."""
        _checked(self._http.post("/lineages", json=document))

    def send_merge(self, document: Json, checkpoint: Path, calibration: Path) -> str:
        """Send a checkpoint to be merged: the JSON part first, then the files. Returns the merge's id."""
        with checkpoint.open("rb") as weights, calibration.open("rb") as samples:
            parts: list[tuple[str, tuple[str | None, BinaryIO | bytes, str]]] = [
                ("merge", (None, json.dumps(document).encode(), "application/json")),
                ("checkpoint", ("checkpoint.safetensors", weights, _SAFETENSORS)),
                ("calibration", ("calibration.safetensors", samples, _SAFETENSORS)),
            ]
            return str(_checked(self._http.post("/merge", files=parts))["id"])

    def follow(self, merge: str, seen: Callable[[Json], None], interval: float = 0.2) -> Json:
        """Ask for a merge until it has ended, showing each answer to `seen`; returns the last, a success."""
        while True:
            answer = _checked(self._http.get(f"/merges/{merge}"))
            seen(answer)
            if answer["state"] in _ENDED:
                break
            time.sleep(interval)
        if answer["state"] != "succeeded":
            problem = answer.get("problem") or {}
            raise Refused(f"Merge {merge} {answer['state']}: {problem.get('title')}. {problem.get('detail')}")
        return answer

    def download(self, path: str, file: Path) -> None:
        """Write what the service answers at a path into a file."""
        with self._http.stream("GET", path) as answer, file.open("wb") as output:
            if answer.is_error:
                answer.read()
                _checked(answer)
            for chunk in answer.iter_bytes(1 << 20):
                output.write(chunk)


def _checked(answer: httpx.Response) -> Json:
    """The answer's JSON. Raises Refused with the problem's own words."""
    if answer.is_error:
        if "problem+json" in answer.headers.get("content-type", ""):
            problem = answer.json()
            raise Refused(f"{answer.status_code} {problem['title']}. {problem.get('detail', '')}")
        raise Refused(f"{answer.status_code} {answer.reason_phrase}: {answer.text[:500]}")
    document: Json = answer.json()
    return document
