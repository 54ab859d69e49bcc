"""Raw bodies: digest verification, merge parameters in the query, and bodies that need not be read."""

import base64
import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.integration.uploads.conftest import FILE

_DIGEST = f"sha256:{hashlib.sha256(FILE).hexdigest()}"


def _digest_field(algorithm: str = "sha256", data: bytes = FILE, field: str = "Repr-Digest") -> dict[str, str]:
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
def test_a_body_is_stored_only_if_its_digest_matches(http: TestClient, field: str, algorithm: str) -> None:
    wrong = http.post("/blobs", content=FILE, headers=_digest_field(algorithm, b"other", field))
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/digest-mismatch")
    assert http.head(f"/blobs/{_DIGEST}").status_code == 404
    right = http.post("/blobs", content=FILE, headers=_digest_field(algorithm, FILE, field))
    assert (right.status_code, right.headers["location"]) == (201, f"/blobs/{_DIGEST}")


def test_a_body_whose_digest_is_already_stored_is_not_read(http: TestClient) -> None:
    assert http.post("/blobs", content=FILE, headers=_digest_field()).status_code == 201
    again = http.post("/blobs", content=b"anything", headers=_digest_field())
    assert (again.status_code, again.json()["digest"]) == (200, _DIGEST)
    assert again.headers["connection"] == "close"


def test_a_raw_checkpoint_takes_its_merge_parameters_from_the_query(plain: TestClient) -> None:
    query = {"lineage": "plain", "task": "birds", "method": "linear", "utility": "2.5", "label": ["run:7", "by:me"]}
    response = plain.post("/merge", params=query, content=FILE, headers={"Content-Type": "application/vnd.safetensors"})
    assert response.status_code == 202, response.text
    merge = plain.get(response.headers["location"]).json()
    assert (merge["task"]["name"], merge["task"]["utility"]) == ("birds", 2.5)
    assert (merge["recipe"]["method"], merge["checkpoint"]) == ("linear", _DIGEST)
    assert merge["labels"] == {"run": "7", "by": "me"}


def test_class_names_and_templates_repeat_in_the_query(plain: TestClient) -> None:
    query = {"lineage": "plain", "task": "t", "classname": ["a", "b"], "template": ["a {}.", "the {}."]}
    task = plain.post("/merge", params=query, content=FILE).json()["task"]
    assert (task["classnames"], task["templates"]) == (["a", "b"], ["a {}.", "the {}."])


def test_a_checkpoint_whose_digest_is_already_stored_is_merged_without_its_bytes(plain: TestClient) -> None:
    response = plain.post("/merge", params={"lineage": "plain", "task": "t"}, content=b"", headers=_digest_field())
    assert (response.status_code, response.json()["checkpoint"]) == (202, _DIGEST)


def test_a_method_that_needs_calibration_is_refused_before_the_body(plain: TestClient, tmp_path: Path) -> None:
    query = {"lineage": "plain", "task": "t", "method": "ode"}
    response = plain.post("/merge", params=query, content=FILE)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/method-unavailable")
    assert response.headers["connection"] == "close"
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_raw_merge_with_the_same_idempotency_key_is_created_once(plain: TestClient) -> None:
    ids = set()
    for _ in range(2):
        query = {"lineage": "plain", "task": "t"}
        response = plain.post("/merge", params=query, content=FILE, headers={"Idempotency-Key": '"raw-1"'})
        assert response.status_code == 202, response.text
        ids.add(response.json()["id"])
    assert len(ids) == 1
