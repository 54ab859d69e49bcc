"""tus 1.0 as a client meets it, table by table. Source: https://tus.io/protocols/resumable-upload."""

import base64
import hashlib
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.integration.uploads.conftest import FILE

_TUS = {"Tus-Resumable": "1.0.0"}
_PIECE = _TUS | {"Content-Type": "application/offset+octet-stream"}
_DIGEST = f"sha256:{hashlib.sha256(FILE).hexdigest()}"
_LENGTH = str(len(FILE))


def _create(http: TestClient, length: str = _LENGTH, **headers: str) -> str:
    answer = http.post("/uploads", headers=_TUS | {"Upload-Length": length} | headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def _patch(http: TestClient, url: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
    return http.patch(url, content=data, headers=_PIECE | {"Upload-Offset": str(offset)} | headers)


def _offset(http: TestClient, url: str) -> int:
    answer = http.head(url, headers=_TUS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["upload-length"] == _LENGTH
    return int(answer.headers["upload-offset"])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_version_is_said_in_every_answer(http: TestClient) -> None:
    for method, path in (("OPTIONS", "/uploads"), ("HEAD", "/uploads/x"), ("PUT", "/uploads"), ("POST", "/uploads")):
        assert http.request(method, path).headers["tus-resumable"] == "1.0.0"
    assert "tus-resumable" not in http.get("/healthz").headers


def test_options_say_what_is_spoken(http: TestClient) -> None:
    answer = http.options("/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    extensions = set(answer.headers["tus-extension"].split(","))
    assert extensions == {"creation", "creation-with-upload", "termination", "checksum", "expiration"}
    assert "sha1" in answer.headers["tus-checksum-algorithm"]
    assert int(answer.headers["tus-max-size"]) > 1 << 30


def test_an_upload_in_pieces_becomes_a_blob_that_the_answer_names(http: TestClient) -> None:
    url = _create(http)
    assert _offset(http, url) == 0
    for start in range(0, len(FILE), 70_000):
        assert http.get(url).json()["digest"] is None
        answer = _patch(http, url, start, FILE[start : start + 70_000])
        assert answer.status_code == 204, answer.text
        assert int(answer.headers["upload-offset"]) == min(start + 70_000, len(FILE)) == _offset(http, url)
        assert "GMT" in answer.headers["upload-expires"]
    assert answer.headers["upload-blob"] == _DIGEST
    assert answer.headers["repr-digest"] == f"sha-256=:{_base64(hashlib.sha256(FILE).digest())}:"
    assert http.get(url).json()["digest"] == _DIGEST
    assert http.head(f"/blobs/{_DIGEST}").status_code == 200


def test_the_first_bytes_may_come_with_the_creation(http: TestClient) -> None:
    answer = http.post("/uploads", content=FILE[:5000], headers=_PIECE | {"Upload-Length": _LENGTH})
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "5000")
    assert _patch(http, answer.headers["location"], 5000, FILE[5000:]).headers["upload-blob"] == _DIGEST
    whole = http.post("/uploads", content=FILE, headers=_PIECE | {"Upload-Length": _LENGTH})
    assert (whole.status_code, whole.headers["upload-blob"]) == (201, _DIGEST)


def test_an_upload_that_was_ended_is_gone_and_a_blob_stays(http: TestClient, tmp_path: Path) -> None:
    url = _create(http)
    _patch(http, url, 0, FILE[:1000])
    assert http.delete(url, headers=_TUS).status_code == 204
    assert http.head(url, headers=_TUS).status_code == 404
    assert list((tmp_path / "resumable").glob("*/*")) == []
    done = _create(http)
    _patch(http, done, 0, FILE)
    assert http.delete(done, headers=_TUS).status_code == 204
    assert http.head(f"/blobs/{_DIGEST}").status_code == 200


def test_post_stands_for_other_methods_where_networks_want_it(http: TestClient) -> None:
    url = _create(http)
    headers = _PIECE | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert http.post(url, content=FILE[:10], headers=headers).headers["upload-offset"] == "10"
    assert http.post(url, headers=_TUS | {"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert http.post(url, headers=_TUS).status_code == 405


def test_asking_again_for_the_end_of_a_complete_upload_is_no_error(http: TestClient) -> None:
    url = _create(http)
    _patch(http, url, 0, FILE)
    again = _patch(http, url, len(FILE), b"")
    assert (again.status_code, again.headers["upload-blob"]) == (204, _DIGEST)
    assert _patch(http, url, 0, FILE).status_code == 409


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_piece_with_a_right_checksum_is_taken_and_one_with_a_wrong_one_never_was(
    http: TestClient, algorithm: str
) -> None:
    url = _create(http)
    piece = FILE[:3000]
    right = {"Upload-Checksum": f"{algorithm} {_base64(hashlib.new(algorithm, piece).digest())}"}
    damaged = b"\0" * 3000
    answer = _patch(http, url, 0, damaged, **right)
    assert (answer.status_code, answer.json()["type"]) == (460, "/problems/checksum-mismatch")
    assert _offset(http, url) == 0
    assert _patch(http, url, 0, piece, **right).headers["upload-offset"] == "3000"
    assert _patch(http, url, 3000, FILE[3000:]).headers["upload-blob"] == _DIGEST


def test_a_piece_may_carry_content_digest_in_place_of_a_checksum(http: TestClient) -> None:
    url = _create(http)
    right = {"Content-Digest": f"sha-256=:{_base64(hashlib.sha256(FILE[:3000]).digest())}:"}
    assert _patch(http, url, 0, FILE[:2999] + b"x", **right).status_code == 460
    assert _patch(http, url, 0, FILE[:3000], **right).headers["upload-offset"] == "3000"


def test_a_promised_sha256_is_kept_or_nothing_is_stored(http: TestClient) -> None:
    for promised, status in ((_DIGEST[7:], 204), ("0" * 64, 422)):
        url = _create(http, **{"Upload-Metadata": f"filename eA==,sha256 {_base64(promised.encode())}"})
        assert http.head(url, headers=_TUS).headers["upload-metadata"].startswith("filename eA==")
        _patch(http, url, 0, FILE[:9])
        answer = _patch(http, url, 9, FILE[9:])
        assert answer.status_code == status, answer.text
    assert answer.json()["type"] == "/problems/digest-mismatch"
    assert http.head(url, headers=_TUS).status_code == 404


_CREATIONS: dict[str, tuple[dict[str, str], int, str, str]] = {
    "no version": ({"Tus-Resumable": ""}, 412, "tus-version", "Tus-Resumable: 1.0.0"),
    "another version": ({"Tus-Resumable": "0.2.2"}, 412, "tus-version", "'0.2.2'"),
    "no length": ({"Upload-Length": ""}, 400, "malformed-upload", "Upload-Length"),
    "a length that is none": ({"Upload-Length": "-5"}, 400, "malformed-upload", "'-5'"),
    "a length in other digits": ({"Upload-Length": "1_000"}, 400, "malformed-upload", "Upload-Length"),
    "a length beyond all": ({"Upload-Length": "9" * 30}, 400, "malformed-upload", "Upload-Length"),
    "too large": ({"Upload-Length": str(1 << 40)}, 413, "too-large", "ODEM_MAX_UPLOAD_BYTES"),
    "nothing": ({"Upload-Length": "0"}, 422, "not-safetensors", "empty upload"),
    "metadata that is none": ({"Upload-Metadata": "name ???"}, 400, "malformed-upload", "'name'"),
    "metadata without end": ({"Upload-Metadata": "a" * 9000}, 400, "malformed-upload", "8192"),
    "a digest that is none": ({"Upload-Metadata": "sha256 eA=="}, 400, "malformed-upload", "sha256"),
}


@pytest.mark.parametrize("what", _CREATIONS)
def test_a_creation_that_cannot_be_is_refused_and_leaves_nothing(http: TestClient, tmp_path: Path, what: str) -> None:
    headers, status, kind, word = _CREATIONS[what]
    answer = http.post("/uploads", headers=_TUS | {"Upload-Length": _LENGTH} | headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}"), answer.text
    assert word in answer.json()["detail"]
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert list((tmp_path / "resumable").glob("*/*")) == []


_PIECES: dict[str, tuple[int, bytes, dict[str, str], int, str, bool]] = {
    "too early": (500, b"x", {}, 409, "offset-mismatch", True),
    "too late": (2000, b"x", {}, 409, "offset-mismatch", True),
    "no offset": (1000, b"x", {"Upload-Offset": "x"}, 400, "malformed-upload", True),
    "another type": (1000, b"x", {"Content-Type": "text/plain"}, 415, "media-type-unsupported", True),
    "compressed": (1000, b"x", {"Content-Encoding": "gzip"}, 415, "encoding-unsupported", True),
    "no version": (1000, b"x", {"Tus-Resumable": "2"}, 412, "tus-version", True),
    "more than announced": (1000, FILE, {}, 400, "malformed-upload", True),
    "an unknown checksum": (1000, b"x", {"Upload-Checksum": "crc32 AAAA"}, 400, "malformed-upload", True),
    "a checksum that is none": (1000, b"x", {"Upload-Checksum": "sha1 ?"}, 400, "malformed-upload", True),
    "a short checksum": (1000, b"x", {"Upload-Checksum": "sha1 AAAA"}, 400, "malformed-upload", True),
}


@pytest.mark.parametrize("what", _PIECES)
def test_a_piece_that_does_not_fit_changes_nothing(http: TestClient, what: str) -> None:
    offset, data, headers, status, kind, _ = _PIECES[what]
    url = _create(http)
    assert _patch(http, url, 0, FILE[:1000]).status_code == 204
    answer = _patch(http, url, offset, data, **headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}"), answer.text
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert _offset(http, url) == 1000
    assert _patch(http, url, 1000, FILE[1000:]).headers["upload-blob"] == _DIGEST


@pytest.mark.parametrize(
    ("data", "length", "kind"),
    [
        (b"PK\x03\x04" + bytes(100), 104, "pickle-refused"),
        (b"\xff" * 100, 100, "not-safetensors"),
        (FILE[:-4], len(FILE) - 4, "not-safetensors"),
        (FILE + b"more", len(FILE) + 4, "not-safetensors"),
        (FILE[:7], 7, "not-safetensors"),
    ],
    ids=["a zip", "noise", "truncated", "too long", "hardly begun"],
)
def test_what_is_no_safetensors_file_is_refused_at_its_header_and_forgotten(
    http: TestClient, tmp_path: Path, data: bytes, length: int, kind: str
) -> None:
    url = _create(http, str(length))
    for start in range(0, len(data), 200_000):
        answer = _patch(http, url, start, data[start : start + 200_000])
        if answer.status_code != 204:
            break
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{kind}")
    assert start == 0, "it is known from the header"
    assert http.head(url, headers=_TUS).status_code == 404
    assert list((tmp_path / "resumable").glob("*/*")) == []


def test_uploads_open_at_once_are_limited_and_bodies_count_too(http: TestClient) -> None:
    urls = [_create(http) for _ in range(3)]
    for path, headers in (("/uploads", _TUS | {"Upload-Length": _LENGTH}), ("/blobs", {})):
        answer = http.post(path, content=b"" if path == "/uploads" else FILE, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-uploads"), path
    http.delete(urls[0], headers=_TUS)
    assert http.post("/blobs", content=FILE).status_code == 201
