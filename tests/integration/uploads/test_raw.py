"""Raw bodies: verified by their digests, merged by their query, and not read where they need not be."""

import base64
import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.integration.uploads.conftest import FILE

_DIGEST = f"sha256:{hashlib.sha256(FILE).hexdigest()}"


def _promise(algorithm: str = "sha256", data: bytes = FILE, field: str = "Repr-Digest") -> dict[str, str]:
    value = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    return {field: f"{algorithm.replace('sha', 'sha-')}=:{value}:"}


@pytest.fixture
def plain(http: TestClient) -> TestClient:
    """Return the client of a gateway that has a lineage `plain`."""
    http.post("/blobs", content=FILE)
    document = {"name": "plain", "base": _DIGEST, "recipe": {"method": "average"}}
    assert http.post("/lineages", json=document).status_code == 201
    return http


@pytest.mark.parametrize("field", ["Repr-Digest", "Content-Digest"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_body_is_taken_when_it_keeps_its_promise(http: TestClient, field: str, algorithm: str) -> None:
    wrong = http.post("/blobs", content=FILE, headers=_promise(algorithm, b"other", field))
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/digest-mismatch")
    assert http.head(f"/blobs/{_DIGEST}").status_code == 404
    right = http.post("/blobs", content=FILE, headers=_promise(algorithm, FILE, field))
    assert (right.status_code, right.headers["location"]) == (201, f"/blobs/{_DIGEST}")


def test_a_promised_body_that_is_stored_already_is_not_read(http: TestClient) -> None:
    assert http.post("/blobs", content=FILE, headers=_promise()).status_code == 201
    again = http.post("/blobs", content=b"anything", headers=_promise())
    assert (again.status_code, again.json()["digest"]) == (200, _DIGEST)
    assert again.headers["connection"] == "close"


def test_a_checkpoint_is_merged_by_the_query_beside_it(plain: TestClient) -> None:
    query = {"lineage": "plain", "task": "birds", "method": "linear", "utility": "2.5", "label": ["run:7", "by:me"]}
    answer = plain.post("/merge", params=query, content=FILE, headers={"Content-Type": "application/vnd.safetensors"})
    assert answer.status_code == 202, answer.text
    merge = plain.get(answer.headers["location"]).json()
    assert (merge["task"]["name"], merge["task"]["utility"]) == ("birds", 2.5)
    assert (merge["recipe"]["method"], merge["checkpoint"]) == ("linear", _DIGEST)
    assert merge["labels"] == {"run": "7", "by": "me"}


def test_class_names_and_templates_come_as_often_as_there_are_any(plain: TestClient) -> None:
    query = {"lineage": "plain", "task": "t", "classname": ["a", "b"], "template": ["a {}.", "the {}."]}
    task = plain.post("/merge", params=query, content=FILE).json()["task"]
    assert (task["classnames"], task["templates"]) == (["a", "b"], ["a {}.", "the {}."])


def test_a_promised_checkpoint_that_is_stored_already_is_merged_without_being_sent(plain: TestClient) -> None:
    answer = plain.post("/merge", params={"lineage": "plain", "task": "t"}, content=b"", headers=_promise())
    assert (answer.status_code, answer.json()["checkpoint"]) == (202, _DIGEST)


def test_a_method_that_needs_calibration_is_refused_before_the_body(plain: TestClient, tmp_path: Path) -> None:
    query = {"lineage": "plain", "task": "t", "method": "ode"}
    answer = plain.post("/merge", params=query, content=FILE)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/method-unavailable")
    assert answer.headers["connection"] == "close"
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_raw_merge_sent_again_with_its_idempotency_key_is_one_merge(plain: TestClient) -> None:
    ids = set()
    for _ in range(2):
        query = {"lineage": "plain", "task": "t"}
        answer = plain.post("/merge", params=query, content=FILE, headers={"Idempotency-Key": '"raw-1"'})
        assert answer.status_code == 202, answer.text
        ids.add(answer.json()["id"])
    assert len(ids) == 1
