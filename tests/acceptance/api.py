"""The service's routes as a client uses them, over real HTTP."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from benchmarks.harness.processes import eventually
from benchmarks.harness.stack import DEADLINE

Json = dict[str, Any]
Part = tuple[str, tuple[str | None, Any, str]]
SAFETENSORS = "application/vnd.safetensors"
ENDED = {"succeeded", "failed", "rejected", "cancelled"}


def parts(document: Json | str, checkpoint: Path | bytes | None, calibration: Path | bytes | None) -> list[Part]:
    """The parts of POST /merge, in the order in which they must come."""
    text = document if isinstance(document, str) else json.dumps(document)
    result: list[Part] = [("merge", (None, text, "application/json"))]
    for name, file in (("checkpoint", checkpoint), ("calibration", calibration)):
        if file is not None:
            result.append((name, (f"{name}.safetensors", file, SAFETENSORS)))
    return result


class Api:
    """A client of one service."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=httpx.Timeout(60.0), trust_env=False)

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, **parameters: Any) -> Json:
        """A JSON answer, which must be 200."""
        response = self.http.get(path, params=parameters)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
        result: Json = response.json()
        return result

    def post_blob(self, path: Path) -> str:
        """Stream a file to POST /blobs; returns its digest."""
        with path.open("rb") as file:
            response = self.http.post("/blobs", content=file)
        assert response.status_code == 201, response.text
        return str(response.json()["digest"])

    def create_lineage(self, document: Json) -> Json:
        response = self.http.post("/lineages", json=document)
        assert response.status_code == 201, response.text
        result: Json = response.json()
        return result

    def send_merge(self, document: Json | str, checkpoint: Path | None, calibration: Path | None) -> httpx.Response:
        """POST /merge as multipart whose files are streamed from the disk."""
        with contextlib.ExitStack() as stack:
            opened = [
                (name, (filename, stack.enter_context(body.open("rb")) if isinstance(body, Path) else body, kind))
                for name, (filename, body, kind) in parts(document, checkpoint, calibration)
            ]
            return self.http.post("/merge", files=opened)

    def merge(self, document: Json, checkpoint: Path, calibration: Path | None = None) -> str:
        """Send a merge that must be accepted; returns its id."""
        response = self.send_merge(document, checkpoint, calibration)
        assert response.status_code == 202, response.text
        result = response.json()
        assert response.headers["location"] == f"/merges/{result['id']}"
        return str(result["id"])

    def merge_of_blobs(self, document: Json) -> str:
        """POST /merge as JSON that names blobs; returns the merge's id."""
        response = self.http.post("/merge", json=document)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def merge_view(self, merge_id: str) -> Json:
        return self.get(f"/merges/{merge_id}")

    def watch(
        self, merge_id: str, until: Callable[[Json], Any], what: str, see: Callable[[Json], object] | None = None
    ) -> Json:
        """Poll a merge until it is as wanted; a service that does not answer for a while is asked again."""

        def look() -> Json | None:
            try:
                view = self.merge_view(merge_id)
            except (httpx.TransportError, AssertionError):
                # Only a service that is away is waited for: an answer other than 503 counts.
                with contextlib.suppress(httpx.TransportError):
                    status = self.http.get(f"/merges/{merge_id}").status_code
                    assert status in {200, 503}, f"{merge_id}: {status}"
                return None
            if see is not None:
                see(view)
            return view if until(view) else None

        result = eventually(look, f"{merge_id} {what}", DEADLINE)
        assert result is not None
        return result

    def wait(self, merge_id: str, see: Callable[[Json], object] | None = None) -> Json:
        """The merge once it has ended."""
        return self.watch(merge_id, lambda view: view["state"] in ENDED, "has ended", see)

    def wait_success(self, merge_id: str) -> Json:
        result = self.wait(merge_id)
        assert result["state"] == "succeeded", result
        return result

    def wait_running(self, merge_id: str, step: int = 1) -> Json:
        """The merge once it is that many steps along its path."""
        return self.watch(
            merge_id, lambda view: ((view["progress"] or {}).get("step") or 0) >= step, f"is at step {step}"
        )

    def version(self, reference: str) -> Json:
        return self.get(f"/models/{reference}")

    def versions(self, lineage: str) -> list[Json]:
        """A lineage's versions, oldest first."""
        result: list[Json] = self.get("/models", lineage=lineage, limit=100)["versions"]
        return result[::-1]

    def download(self, reference: str, path: Path) -> Path:
        """A version's weights, streamed to a file."""
        with self.http.stream("GET", f"/models/{reference}/weights") as response, path.open("wb") as file:
            assert response.status_code == 200
            for chunk in response.iter_bytes(1 << 20):
                file.write(chunk)
        return path
