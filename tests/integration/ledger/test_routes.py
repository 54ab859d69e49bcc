"""Aliases, rollback, branches and retention over HTTP."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.settings import GatewaySettings
from tests.integration.ledger.conftest import Ledger


@pytest.fixture
def http(ledger: Ledger) -> Iterator[TestClient]:
    """Return the gateway over a lineage `a` of four versions."""
    ledger.create()
    for _ in range(3):
        ledger.merge()
    settings = GatewaySettings(redis_url=ledger.url, data_dir=ledger.root)
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


def test_two_people_who_move_an_alias_at_once_notice_each_other(http: TestClient) -> None:
    position = "/lineages/a/aliases/production"
    made = http.put(position, json={"version": "1"}, headers={"If-None-Match": "*"})
    assert (made.status_code, made.json()["version"]) == (200, "a@1")
    assert http.put(position, json={"version": "2"}, headers={"If-None-Match": "*"}).status_code == 412
    tag = http.get(position).headers["etag"]
    assert tag == made.headers["etag"]
    first = http.put(position, json={"version": "2"}, headers={"If-Match": tag})
    second = http.put(position, json={"version": "3"}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["type"] == "/problems/alias-changed"
    assert http.get("/models/a@production").json()["number"] == 2
    assert http.delete(position, headers={"If-Match": tag}).status_code == 412
    assert http.delete(position, headers={"If-Match": first.headers["etag"]}).status_code == 204
    assert http.get(position).status_code == 404


@pytest.mark.parametrize("name", ["latest", "3", "UPPER", "a b"])
def test_a_name_that_could_be_a_version_is_no_alias(http: TestClient, name: str) -> None:
    response = http.put(f"/lineages/a/aliases/{name}", json={"version": "1"})
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-document")


def test_an_alias_s_weights_are_not_cached_as_if_they_never_changed(http: TestClient) -> None:
    http.put("/lineages/a/aliases/x", json={"version": "1"})
    response = http.get("/models/a@x/weights")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-location"] == "/models/a@1/weights"
    assert response.content == b"weights of a@1"


def test_a_rollback_is_a_new_version_and_the_old_ones_stay(http: TestClient) -> None:
    before = [http.get(f"/models/a@{number}").json() for number in range(4)]
    response = http.post("/lineages/a/rollback", json={"version": "1"})
    assert response.status_code == 201
    assert response.headers["location"] == "/models/a@4"
    assert http.get("/models/a@latest").json()["origin"] == "a@1"
    assert http.get("/models/a@latest/weights").content == b"weights of a@1"
    assert [http.get(f"/models/a@{number}").json() for number in range(4)] == before


def test_a_branch_starts_at_the_version_and_is_independent(http: TestClient, ledger: Ledger) -> None:
    response = http.post("/lineages/a/branch", json={"name": "b", "version": "2"})
    assert (response.status_code, response.json()["origin"], response.json()["head"]) == (201, "a@2", "b@0")
    first = http.get("/models/b@0").json()
    assert [task["name"] for task in first["tasks"]] == ["t"]
    assert http.get("/models/b@0/weights").content == b"weights of a@2"
    ledger.merge("b")
    assert http.get("/models/b@latest").json()["number"] == 1
    assert http.get("/models/a@latest").json()["number"] == 3
    assert http.post("/lineages/a/branch", json={"name": "b", "version": "1"}).status_code == 409
    assert http.post("/lineages/a/branch", json={"name": "c", "version": "b@1"}).status_code == 404


def test_retention_previews_and_then_retires(http: TestClient, ledger: Ledger) -> None:
    assert http.get("/lineages/a/retention").json()["would_retire"] == []
    assert http.put("/lineages/a/pins/1").status_code == 204
    reported = http.put("/lineages/a/retention", json={"keep_last": 1}).json()
    assert (reported["keep_last"], reported["pins"], reported["would_retire"], reported["retired"]) == (1, [1], [2], [])
    assert http.get("/models/a@2").json()["retired_at"] is None
    assert http.post("/lineages/a/retention/apply").json()["retired"] == [2]
    record = http.get("/models/a@2").json()
    assert record["retired_at"] is not None
    ledger.blobs.path(record["weights"]).unlink()
    gone = http.get("/models/a@2/weights")
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/version-retired")
    assert http.post("/lineages/a/rollback", json={"version": "2"}).status_code == 410
    assert http.put("/lineages/a/aliases/x", json={"version": "2"}).status_code == 410
    assert http.put("/lineages/a/retention", json={"keep_last": 0}).status_code == 422
    assert http.delete("/lineages/a/retention").status_code == 204


def test_a_lineage_or_version_that_is_not_there_is_not_found(http: TestClient) -> None:
    for method, path, body in (
        ("GET", "/lineages/x/aliases", None),
        ("GET", "/lineages/a/aliases/x", None),
        ("PUT", "/lineages/x/aliases/y", {"version": "1"}),
        ("PUT", "/lineages/a/aliases/y", {"version": "9"}),
        ("POST", "/lineages/a/rollback", {"version": "9"}),
        ("POST", "/lineages/x/rollback", {"version": "0"}),
        ("GET", "/lineages/x/retention", None),
        ("PUT", "/lineages/x/retention", {"keep_last": 1}),
        ("PUT", "/lineages/a/pins/9", None),
    ):
        assert http.request(method, path, json=body).status_code == 404, (method, path)
