"""Malformed and hostile requests as bytes, and the response that each gets."""

import base64
import hashlib
import json
from dataclasses import dataclass

from tests.integration.uploads.conftest import FILE, document

_TUS = "Tus-Resumable: 1.0.0"
_JSON = "Content-Type: application/json"
_LENGTH = f"Content-Length: {len(FILE)}"
_BOUND = "Content-Type: multipart/form-data; boundary=xx"
_HALF = len(FILE) // 2


@dataclass(frozen=True)
class Hostile:
    """A request, and the status and problem type of its response.

    then: what the client does after sending: `wait` for the response; `leave` at once, so that there is none; `end` its
    half of the connection and wait.
    """

    sent: bytes
    status: int
    kind: str
    then: str = "wait"


def request(start: str, *headers: str, body: bytes = b"") -> bytes:
    """A request as bytes."""
    return "\r\n".join([f"{start} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1") + body


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    """A POST whose Content-Length is right."""
    return request(f"POST {path}", f"Content-Length: {len(body)}", *headers, body=body)


def part(name: str, body: bytes, *headers: str) -> bytes:
    """One part of multipart/form-data with the boundary xx."""
    head = "\r\n".join([f'Content-Disposition: form-data; name="{name}"', *headers, "", ""]).encode()
    return b"--xx\r\n" + head + body + b"\r\n"


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def _parts(*all_of_them: bytes, end: bytes = b"--xx--\r\n") -> bytes:
    return post("/merge", _BOUND, body=b"".join(all_of_them) + end)


_MERGE = part("merge", document())
_CHECKPOINT = part("checkpoint", FILE)
_WRONG = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

REQUESTS: dict[str, Hostile] = {
    # Not HTTP
    "noise": Hostile(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400, "malformed-request"),
    "another protocol": Hostile(b"HELO mail\r\n\r\n", 400, "malformed-request"),
    "an endless head": Hostile(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 400_000, 431, "head-too-large"),
    "an endless request line": Hostile(b"GET /" + b"a" * 400_000, 431, "head-too-large"),
    "ten thousand headers": Hostile(
        request("GET /healthz", *[f"X-{i}: y" for i in range(10_000)]), 431, "head-too-large"
    ),
    "a header with NUL": Hostile(request("GET /healthz", "X: a\0b"), 400, "malformed-request"),
    "a path with NUL": Hostile(request("GET /models/%00/weights"), 404, "version-not-found"),
    "a parent path": Hostile(request("GET /models/..%2f..%2fetc%2fpasswd/weights"), 404, "not-found"),
    "a version with a parent path": Hostile(request("GET /models/..@1"), 404, "version-not-found"),
    "an upload with a parent path": Hostile(request("GET /uploads/..%2f..%2fblobs"), 404, "not-found"),
    # Wrong lengths
    "less than announced, then silence": Hostile(
        request("POST /blobs", _LENGTH, body=FILE[:_HALF]), 408, "sender-too-slow"
    ),
    "less than announced, then a reset": Hostile(request("POST /blobs", _LENGTH, body=FILE[:_HALF]), 0, "", "leave"),
    "less than announced, then the end": Hostile(request("POST /blobs", _LENGTH, body=FILE[:_HALF]), 0, "", "end"),
    "more than announced": Hostile(request("POST /blobs", "Content-Length: 100", body=FILE), 400, "malformed-request"),
    "a header of another size than announced": Hostile(
        request("POST /blobs", "Content-Length: 900000", body=FILE[:200]), 422, "not-safetensors"
    ),
    "a negative length": Hostile(request("POST /blobs", "Content-Length: -1", body=FILE), 400, "malformed-request"),
    "a length that is not a number": Hostile(
        request("POST /blobs", "Content-Length: ten", body=FILE), 400, "malformed-request"
    ),
    "a length of 40 digits": Hostile(request("POST /blobs", f"Content-Length: {'9' * 40}"), 400, "malformed-request"),
    "two lengths": Hostile(request("POST /blobs", _LENGTH, "Content-Length: 4", body=FILE), 400, "malformed-request"),
    "a length beside chunks": Hostile(
        request("POST /blobs", _LENGTH, "Transfer-Encoding: chunked", body=chunked(FILE)), 400, "malformed-request"
    ),
    "too large, and it waits": Hostile(
        request("POST /blobs", "Content-Length: 99999999999", "Expect: 100-continue"), 413, "too-large"
    ),
    "too large, and it sends": Hostile(
        request("POST /blobs", "Content-Length: 99999999999", body=bytes(1 << 20)), 413, "too-large"
    ),
    # Chunks
    "malformed chunks": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n"), 400, "malformed-request"
    ),
    "a chunk of 2^64 bytes": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=b"ffffffffffffffffff\r\nabc"),
        400,
        "malformed-request",
    ),
    "a negative chunk": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=b"-4\r\nabcd\r\n"), 400, "malformed-request"
    ),
    "a chunk longer than it says": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=b"4\r\n" + FILE), 400, "malformed-request"
    ),
    "chunks that stop": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=chunked(FILE[:_HALF], end=b"")),
        408,
        "sender-too-slow",
    ),
    "truncated chunks": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=b"fffff\r\n" + FILE[:_HALF]), 0, "", "leave"
    ),
    "chunks with too few bytes": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=chunked(FILE[:_HALF])), 422, "not-safetensors"
    ),
    "chunks with too many bytes": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=chunked(FILE, b"more")), 422, "not-safetensors"
    ),
    "endless trailers": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=chunked(FILE, end=b"0\r\n") + b"A: b\r\n" * 99_000),
        431,
        "head-too-large",
    ),
    "an endless chunk extension": Hostile(
        request("POST /blobs", "Transfer-Encoding: chunked", body=b"4;x=" + b"y" * 400_000), 431, "head-too-large"
    ),
    "another transfer encoding": Hostile(
        request("POST /blobs", "Transfer-Encoding: gzip", body=FILE), 400, "malformed-request"
    ),
    # Digests and encodings
    "compressed bytes": Hostile(post("/blobs", "Content-Encoding: gzip", body=FILE), 415, "encoding-unsupported"),
    "another digest": Hostile(post("/blobs", f"Repr-Digest: sha-256=:{_WRONG}:", body=FILE), 422, "digest-mismatch"),
    "another long digest": Hostile(
        post("/blobs", f"Content-Digest: sha-512=:{base64.b64encode(bytes(64)).decode()}:", body=FILE),
        422,
        "digest-mismatch",
    ),
    "two digests": Hostile(
        post("/blobs", f"Repr-Digest: sha-256=:{_WRONG}:", f"Content-Digest: sha-256=:{'A' * 43}=:", body=FILE),
        400,
        "malformed-upload",
    ),
    "a malformed digest": Hostile(post("/blobs", "Repr-Digest: sha-256=abc", body=FILE), 400, "malformed-upload"),
    "a digest that is too short": Hostile(
        post("/blobs", "Repr-Digest: sha-256=:AAAA:", body=FILE), 400, "malformed-upload"
    ),
    "a digest of a broken algorithm": Hostile(
        post("/blobs", "Repr-Digest: md5=:AAAAAAAAAAAAAAAAAAAAAA==:", body=FILE), 400, "malformed-upload"
    ),
    # Multipart
    "no boundary": Hostile(post("/merge", "Content-Type: multipart/form-data", body=FILE), 400, "malformed-upload"),
    "a boundary that is too long": Hostile(
        post("/merge", f"Content-Type: multipart/form-data; boundary={'x' * 5000}", body=FILE), 400, "malformed-upload"
    ),
    "another boundary": Hostile(
        post("/merge", _BOUND, body=b"--yy\r\n" + FILE + b"\r\n--yy--\r\n"), 400, "malformed-upload"
    ),
    "no part": Hostile(_parts(), 400, "malformed-upload"),
    "an unterminated part": Hostile(_parts(_MERGE, _CHECKPOINT, end=b""), 400, "malformed-upload"),
    "a part with an endless head": Hostile(
        _parts(_MERGE, part("checkpoint", FILE, "X: " + "y" * 100_000)), 400, "malformed-upload"
    ),
    "a part with a thousand headers": Hostile(
        _parts(_MERGE, part("checkpoint", FILE, *["X: y"] * 1000)), 400, "malformed-upload"
    ),
    "a part without a name": Hostile(_parts(b"--xx\r\n\r\nabc\r\n"), 400, "malformed-upload"),
    "a part with an unknown name": Hostile(_parts(_MERGE, part("../../x", FILE)), 400, "malformed-upload"),
    "parts in the wrong order": Hostile(_parts(_CHECKPOINT, _MERGE), 400, "malformed-upload"),
    "a part twice": Hostile(_parts(_MERGE, _CHECKPOINT, _CHECKPOINT), 400, "malformed-upload"),
    "a thousand parts": Hostile(_parts(_MERGE, *[part("x", b"")] * 1000), 400, "malformed-upload"),
    "a document too large": Hostile(_parts(part("merge", b" " * (5 << 20))), 413, "too-large"),
    "a part of another digest": Hostile(
        _parts(_MERGE, part("checkpoint", FILE, f"Content-Digest: sha-256=:{_WRONG}:")), 422, "digest-mismatch"
    ),
    "parts of another digest as a whole": Hostile(
        post("/merge", _BOUND, f"Content-Digest: sha-256=:{_WRONG}:", body=_MERGE + _CHECKPOINT + b"--xx--\r\n"),
        422,
        "digest-mismatch",
    ),
    # Raw merges
    "an unknown query parameter": Hostile(post("/merge?task=t&taks=u", body=FILE), 422, "invalid-document"),
    "a repeated query parameter": Hostile(post("/merge?task=t&task=u", body=FILE), 422, "invalid-document"),
    "a query without a task": Hostile(
        post("/merge?lineage=plain", "Content-Type: application/octet-stream", body=FILE), 422, "invalid-document"
    ),
    "a lineage with a parent path": Hostile(post("/merge?task=t&lineage=../x", body=FILE), 422, "invalid-document"),
    "an unknown lineage, and it waits": Hostile(
        request("POST /merge?task=t&lineage=nowhere", _LENGTH, "Expect: 100-continue"), 404, "lineage-not-found"
    ),
    "a utility that is not a number": Hostile(post("/merge?task=t&utility=nan", body=FILE), 422, "invalid-document"),
    "another media type": Hostile(post("/merge", "Content-Type: text/html", body=FILE), 415, "media-type-unsupported"),
    # JSON
    "unterminated JSON": Hostile(post("/lineages", _JSON, body=b'{"name":' * 100_000), 422, "invalid-document"),
    **{
        kind: Hostile(
            request("PUT /lineages/plain/retention", _JSON, f"Content-Length: {len(body)}", body=body),
            422,
            "invalid-document",
        )
        for kind, body in {
            "JSON that is not UTF-8": b'{"keep": "\xff"}',
            "JSON nested too deeply": b"[" * 100_000 + b"]" * 100_000,
            "JSON with a number of too many digits": b'{"keep": %s}' % (b"9" * 10_000),
        }.items()
    },
    "JSON too large": Hostile(post("/lineages", _JSON, body=b" " * (5 << 20)), 413, "too-large"),
    "JSON too large where it is small": Hostile(
        request("PUT /lineages/plain/aliases/x", _JSON, "Content-Length: 999999999", body=b" " * 1000), 413, "too-large"
    ),
    "JSON too large in chunks": Hostile(
        request(
            "PUT /lineages/plain/retention",
            _JSON,
            "Transfer-Encoding: chunked",
            body=chunked(*[b" " * (1 << 20)] * 6, end=b""),
        ),
        413,
        "too-large",
    ),
    "slow JSON": Hostile(
        request("POST /lineages/plain/rollback", _JSON, "Content-Length: 20", body=b'{"ver'), 408, "sender-too-slow"
    ),
    # Resumable uploads
    "an upload without a tus version": Hostile(post("/uploads", "Upload-Length: 10"), 412, "tus-version"),
    "an upload of 2^63 bytes": Hostile(post("/uploads", _TUS, f"Upload-Length: {1 << 63}"), 400, "malformed-upload"),
    "an upload too large": Hostile(post("/uploads", _TUS, "Upload-Length: 99999999999"), 413, "too-large"),
    "an upload whose first bytes are a pickle": Hostile(
        post(
            "/uploads",
            _TUS,
            "Upload-Length: 100",
            "Content-Type: application/offset+octet-stream",
            body=b"PK\x03\x04" + bytes(60),
        ),
        422,
        "pickle-refused",
    ),
    "a chunk for an unknown upload": Hostile(
        request(
            f"PATCH /uploads/{'0' * 32}",
            _TUS,
            "Upload-Offset: 0",
            "Content-Length: 9999999",
            "Content-Type: application/offset+octet-stream",
            "Expect: 100-continue",
        ),
        404,
        "upload-not-found",
    ),
    "a chunk for an upload with a parent path": Hostile(
        request(
            "PATCH /uploads/..%2F..%2Fvalkey",
            _TUS,
            "Upload-Offset: 0",
            "Content-Length: 4",
            "Content-Type: application/offset+octet-stream",
            body=b"abcd",
        ),
        404,
        "not-found",
    ),
}


def json_problem(response: bytes) -> tuple[int, str]:
    """Status and problem type of the final response in some bytes; 100 Continue is not final."""
    head, _, body = response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    if not head:
        return 0, ""
    status = int(head.split(b" ", 2)[1])
    result = json.loads(body.split(b"HTTP/1.1 ")[0]) if b"problem+json" in head else {}
    return status, result.get("type", "").removeprefix("/problems/")
