"""Downloads of versions: interrupted ones resume; files are verified, then renamed into place.

Source: RFC 9110, section 14 (range requests).
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from odem_client.digests import PIECE, Hasher, Progress, hash_file, nothing
from odem_client.errors import DigestMismatch, Unreachable
from odem_client.generated.models import VersionView
from odem_client.http import Http, unreachable
from odem_client.retries import Retries

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
"""File names that open_clip expects in a folder (`local-dir:`)."""
PLAIN = "model.safetensors"
"""File name of the weights of a lineage without an architecture."""


@dataclass(frozen=True)
class Pulled:
    """A version in a folder.

    config: None for a lineage without an architecture. received: bytes transferred over the network by this call.
    """

    reference: str
    digest: str
    weights: Path
    config: Path | None
    received: int


class Downloader:
    """Downloads versions from one service. Memory does not depend on their sizes."""

    def __init__(self, http: Http, retries: Retries) -> None:
        self._http = http
        self._retries = retries

    def pull(self, version: VersionView, folder: Path, progress: Progress = nothing) -> Pulled:
        """Download a version's weights and open_clip config into a folder; existing files are skipped.

        Each file appears completely or not at all. Run one pull per folder at a time. Raises DigestMismatch,
        ProblemError, Unreachable, OSError.
        """
        folder.mkdir(parents=True, exist_ok=True)
        config = None
        if version.config_url is not None:
            config = folder / CONFIG
            part = folder / f".{CONFIG}.part"
            response = self._http.get(version.config_url)
            part.write_text(json.dumps(response.json(), indent=2) + "\n")
            part.replace(config)
        weights = folder / (PLAIN if config is None else WEIGHTS)
        received = self._weights(version, weights, progress)
        return Pulled(version.reference, version.weights, weights, config, received)

    def _weights(self, version: VersionView, target: Path, progress: Progress) -> int:
        if _is(target, version, progress):
            return 0
        part = target.with_name(f".{version.weights.removeprefix('sha256:')[:16]}.part")
        if part.exists() and part.stat().st_size > version.size:
            part.unlink()
        hasher = Hasher()
        if part.exists():
            hash_file(part, progress, hasher)
        with part.open("ab") as file:
            start = file.tell()
            self._receive(version, file, hasher, progress)
            received = file.tell() - start
            file.flush()
            os.fsync(file.fileno())
        if hasher.digest != version.weights:
            part.unlink()
            raise DigestMismatch(f"The file of {version.reference}", version.weights, hasher.digest)
        part.replace(target)
        return received

    def _receive(self, version: VersionView, file: BinaryIO, hasher: Hasher, progress: Progress) -> None:
        attempt = 0
        while (before := file.tell()) < version.size:
            try:
                self._append(version, file, hasher, progress)
            except Unreachable:
                attempt = 1 if file.tell() > before else attempt + 1
                pause = self._retries.wait(attempt)
                if pause is None:
                    raise
                time.sleep(pause)

    def _append(self, version: VersionView, file: BinaryIO, hasher: Hasher, progress: Progress) -> None:
        """Append missing bytes until the connection ends. The URL names the version's number, never an alias."""
        skip = file.tell()
        headers = {"Range": f"bytes={skip}-"} if skip else {}
        try:
            with self._http.stream("GET", version.weights_url, headers=headers) as response:
                if response.status_code == 206:
                    skip = 0
                for piece in response.iter_raw(PIECE):
                    fresh = memoryview(piece)[skip:]
                    skip = max(0, skip - len(piece))
                    file.write(fresh)
                    hasher.update(fresh)
                    progress("receiving", file.tell(), version.size)
        except httpx.TransportError as error:
            raise unreachable(error) from error
        if file.tell() < version.size:
            raise Unreachable(
                f"The download of {version.reference} was interrupted at byte {file.tell()} of {version.size}."
            )


def _is(file: Path, version: VersionView, progress: Progress) -> bool:
    if not file.exists() or file.stat().st_size != version.size:
        return False
    return hash_file(file, progress).digest == version.weights
