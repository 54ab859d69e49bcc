"""A bucket of an S3-compatible server. No error of the client library leaves this file.

Source: the S3 API reference (PutObject, CreateMultipartUpload, GetObject, HeadObject, DeleteObject, ListObjectsV2).
Only these are used. The server must be consistent like S3: reads and listings reflect every acknowledged write.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from registry.errors import InvalidInput, StoreUnavailable

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import S3Config

_PART = 16 << 20
_MAX_PARTS = 9_000
_MAX_CONCURRENCY = 4
_PIECE = 1 << 20
_SIGNED_FOR = timedelta(minutes=5)


class Bucket:
    """Objects under one prefix of a bucket. Safe to share between threads; any method may raise StoreUnavailable.

    url: `s3://bucket/prefix?endpoint=https://host:9000&region=us-east-1`; without an endpoint it is AWS's.
    access_key, secret_key: if empty, they are found as AWS's tools find them. Raises InvalidInput for an invalid URL.

    A process that has used a bucket must not fork and use it in its child.
    """

    def __init__(self, url: str, access_key: str = "", secret_key: str = "") -> None:
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        if parts.scheme != "s3" or not parts.netloc or not set(query) <= {"endpoint", "region"}:
            raise InvalidInput(f"Invalid bucket URL {url!r}: write s3://bucket/prefix?endpoint=...&region=...")
        endpoint = query.get("endpoint", "")
        config: S3Config = {"region": query.get("region", "us-east-1")}
        if endpoint:
            config |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
        if access_key:
            config |= {"access_key_id": access_key, "secret_access_key": secret_key}
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={"allow_http": endpoint.startswith("http://"), "connect_timeout": "5s", "timeout": "10m"},
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
        )

    def put(self, key: str, data: bytes) -> None:
        """Write a small object."""
        with translate_s3_errors():
            obstore.put(self._store, key, data, use_multipart=False)

    def upload(self, key: str, path: Path) -> None:
        """Write a file as an object, in concurrent parts; it appears completely or not at all.

        Each request's signature covers the sha256 of its bytes, so the server detects damaged ones.
        """
        size = path.stat().st_size
        with translate_s3_errors():
            obstore.put(
                self._store,
                key,
                path,
                use_multipart=size > _PART,
                chunk_size=max(_PART, -(-size // _MAX_PARTS)),
                max_concurrency=_MAX_CONCURRENCY,
            )

    def head(self, key: str) -> tuple[int, float] | None:
        """Size in bytes and modification time (seconds since 1970); None if there is no such object."""
        with translate_s3_errors():
            try:
                result = obstore.head(self._store, key)
            except FileNotFoundError:
                return None
        return int(result["size"]), result["last_modified"].timestamp()

    def read(self, key: str) -> bytes | None:
        """The bytes of a small object; None if there is none."""
        with translate_s3_errors():
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """An object's bytes as they arrive; None if there is none."""
        with translate_s3_errors():
            try:
                result = obstore.get(self._store, key)
            except FileNotFoundError:
                return None
        return _stream(result)

    def delete(self, key: str) -> None:
        """Delete an object, if it exists.

        It sends DeleteObject with a signed URL, because the library sends DeleteObjects, which some servers get wrong.
        """
        with translate_s3_errors():
            url = obstore.sign(self._store, "DELETE", key, _SIGNED_FOR)
            request = urllib.request.Request(url, method="DELETE")  # noqa: S310  the URL is the bucket's
            for pause in (0.2, 1.0, 0.0):
                try:
                    with urllib.request.urlopen(request, timeout=30):  # noqa: S310  the same
                        return
                except urllib.error.HTTPError as error:
                    error.close()
                    if error.code == HTTPStatus.NOT_FOUND:
                        return
                    if error.code < 500 or not pause:
                        raise
                time.sleep(pause)

    def list(self, prefix: str) -> Iterator[tuple[str, int, float]]:
        """Key, size and time of every object whose key begins with the folder `prefix`, in order."""
        with translate_s3_errors():
            for page in obstore.list(self._store, prefix):
                for item in page:
                    yield str(item["path"]), int(item["size"]), item["last_modified"].timestamp()


def _stream(result: "GetResult") -> Iterator[bytes]:
    with translate_s3_errors():
        for piece in result.stream(min_chunk_size=_PIECE):
            yield bytes(piece)


@contextmanager
def translate_s3_errors() -> Iterator[None]:
    """Raise StoreUnavailable for errors of the client library."""
    try:
        yield
    except FileNotFoundError as error:
        # Missing objects are handled by the callers; what is left is the bucket itself.
        raise StoreUnavailable("The bucket does not exist. Create it, or correct ODEM_BLOBS_URL.") from error
    except (BaseError, OSError) as error:
        what = str(error).partition("\n")[0][:300]
        raise StoreUnavailable(f"The blob store returned an error ({what}). Try again in a moment.") from error
