"""Uploads: files that the service has are skipped, interrupted uploads resume.

Source: tus 1.0 (https://tus.io/protocols/resumable-upload), core protocol and creation.
"""

import base64
import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from odem_client.digests import PIECE, Progress, hash_file, nothing, repr_digest
from odem_client.errors import Conflict, DigestMismatch, NotFound, OdemError, ProblemError, Unreachable
from odem_client.http import Http
from odem_client.retries import STATUSES, Retries

SMALL = 4 * PIECE
"""Files up to this size are sent in one request."""
_TUS = {"Tus-Resumable": "1.0.0"}
_TIMEOUT = httpx.Timeout(60.0, read=600.0)  # the response to the last bytes comes when the whole file is on disk


class Notes:
    """Records of unfinished uploads, as small files, so that a new process can resume them.

    If the folder is read-only, only resuming after a crash is lost.
    """

    def __init__(self, folder: Path | None = None) -> None:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self._folder = folder or Path(caches) / "odem" / "uploads"

    def find(self, service: str, digest: str) -> str | None:
        """The upload's URL, if there is a record."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return str(json.loads(self._file(service, digest).read_text())["location"])
        return None

    def keep(self, service: str, digest: str, location: str) -> None:
        """Record the upload's URL."""
        file = self._file(service, digest)
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"service": service, "digest": digest, "location": location}))

    def drop(self, service: str, digest: str) -> None:
        """Delete the record of an upload."""
        with contextlib.suppress(OSError):
            self._file(service, digest).unlink()

    def _file(self, service: str, digest: str) -> Path:
        return self._folder / hashlib.sha256(f"{service} {digest}".encode()).hexdigest()[:32]


class Uploader:
    """Uploads files to one service. Memory does not depend on their sizes."""

    def __init__(self, http: Http, retries: Retries, notes: Notes) -> None:
        self._http = http
        self._retries = retries
        self._notes = notes
        self._service = str(http.base_url)

    def has(self, digest: str) -> bool:
        """Whether the service has a blob."""
        try:
            self._http.head(f"/blobs/{digest}")
        except NotFound:
            return False
        return True

    def send(self, path: Path, progress: Progress = nothing) -> str:
        """Upload a file as a blob; returns its digest.

        Raises ProblemError, Unreachable, and DigestMismatch if the file changed meanwhile.
        """
        digest = hash_file(path, progress).digest
        if self.has(digest):
            return digest
        if path.stat().st_size <= SMALL:
            self._http.post("/blobs", content=path.read_bytes(), headers={"Repr-Digest": repr_digest(digest)})
        else:
            self._send_resumably(path, digest, progress)
        return digest

    def _send_resumably(self, path: Path, digest: str, progress: Progress) -> None:
        total = path.stat().st_size
        location, offset = self._find(digest)
        attempt = 0
        while offset < total:
            progress("sending", offset, total)
            before, error = offset, None
            try:
                if location is None:
                    location = self._create(digest, total)
                self._append(location, path, offset, total, progress)
                offset = total
            except OdemError as failure:
                error = failure
            if error is not None:
                if not _may_help(error):
                    raise error
                attempt += 1
                pause = self._retries.wait(attempt)
                if pause is None:
                    raise error
                time.sleep(pause)
                location, offset = self._find(digest)
                attempt = 0 if offset > before else attempt
        self._notes.drop(self._service, digest)
        if not self.has(digest):
            raise DigestMismatch(str(path), digest, "other bytes: the file changed during the upload")

    def _find(self, digest: str) -> tuple[str | None, int]:
        """URL and offset of an unfinished upload; (None, 0) if there is none."""
        location = self._notes.find(self._service, digest)
        if location is not None:
            try:
                response = self._http.head(location, headers=_TUS)
                return location, int(response.headers["Upload-Offset"])
            except (NotFound, KeyError, ValueError):
                self._notes.drop(self._service, digest)
        return None, 0

    def _create(self, digest: str, total: int) -> str:
        promise = base64.b64encode(digest.removeprefix("sha256:").encode()).decode()
        headers = {**_TUS, "Upload-Length": str(total), "Upload-Metadata": f"sha256 {promise}"}
        location = str(self._http.post("/uploads", headers=headers).headers["Location"])
        self._notes.keep(self._service, digest, location)
        return location

    def _append(self, location: str, path: Path, offset: int, total: int, progress: Progress) -> None:
        headers = {
            **_TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(total - offset),
        }
        body = _read(path, offset, total, progress)
        self._http.patch(location, content=body, headers=headers, timeout=_TIMEOUT)


def _may_help(error: OdemError) -> bool:
    """Whether to query the offset and resume: 409 means another offset, 423 that another request is still writing."""
    if isinstance(error, (Unreachable, Conflict, NotFound)):
        return True
    return isinstance(error, ProblemError) and (error.status in STATUSES or error.status == 460)


def _read(path: Path, offset: int, total: int, progress: Progress) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while offset < total and (piece := file.read(min(PIECE, total - offset))):
            yield piece
            offset += len(piece)
            progress("sending", offset, total)
