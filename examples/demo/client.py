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
            response = _checked(self._http.get(f"/merges/{merge}"))
            seen(response)
            if response["state"] in _ENDED:
                break
            time.sleep(interval)
        if response["state"] != "succeeded":
            problem = response.get("problem") or {}
            raise Refused(f"Merge {merge} {response['state']}: {problem.get('title')}. {problem.get('detail')}")
        return response

    def download(self, path: str, file: Path) -> None:
        """Download a path of the service into a file."""
        with self._http.stream("GET", path) as response, file.open("wb") as output:
            if response.is_error:
                response.read()
                _checked(response)
            for chunk in response.iter_bytes(1 << 20):
                output.write(chunk)


def _checked(response: httpx.Response) -> Json:
    """The answer's JSON. Raises Refused with the problem's own words."""
    if response.is_error:
        if "problem+json" in response.headers.get("content-type", ""):
            problem = response.json()
            raise Refused(f"{response.status_code} {problem['title']}. {problem.get('detail', '')}")
        raise Refused(f"{response.status_code} {response.reason_phrase}: {response.text[:500]}")
    document: Json = response.json()
    return document
