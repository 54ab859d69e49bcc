"""The state store's primary is lost in the middle of merges, and a replica takes its place."""

import signal
from pathlib import Path

import httpx
import pytest

from benchmarks.harness.processes import eventually
from registry.errors import StoreUnavailable
from tests.conformance.sentinels import Watched
from tests.integration.access.gateway import gateway_with_keys, merge_document, send_blob, send_lineage
from tests.integration.ledger.worker_stand_in import StandIn

pytestmark = pytest.mark.slow
_MERGES = 12


def send(client: httpx.Client, checkpoint: str, key: str) -> str:
    """A merge's id, once the gateway has acknowledged it; until then the same request is sent again."""

    def sent() -> str:
        response = client.post("/merge", json=merge_document("a", checkpoint), headers={"Idempotency-Key": key})
        assert response.status_code in {202, 503, 409}, response.text
        return str(response.json()["id"]) if response.status_code == 202 else ""

    return eventually(sent, f"merge {key} acknowledged")


def state_of(client: httpx.Client, merge: str) -> str:
    return str(client.get(f"/merges/{merge}").json().get("state"))


def test_acknowledged_changes_survive_the_loss_of_the_primary_and_merges_continue(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with Watched(tmp_path) as servers, StandIn(data, servers.url, servers.broker_url, ODEM_LEASE_SECONDS="3") as worker:
        gateway = gateway_with_keys(servers, data).start()
        try:
            _, client = gateway.key("admin")
            checkpoints = [send_blob(client, number) for number in range(_MERGES)]
            send_lineage(client, "a", send_blob(client, 1 << 20))
            merges = []
            for number, checkpoint in enumerate(checkpoints):
                if number == _MERGES // 2:
                    servers.kill("first")
                merges.append(send(client, checkpoint, f"key {number}"))

            eventually(lambda: servers.primary != "first", "another primary")
            servers.calm()
            for merge in merges:
                eventually(lambda merge=merge: state_of(client, merge) == "succeeded", f"{merge} succeeded")
            versions = [client.get(f"/merges/{merge}").json()["version"] for merge in merges]
            assert versions == [f"a@{number}" for number in range(1, _MERGES + 1)], "each was merged once, in order"
            for version, checkpoint in zip(versions, checkpoints, strict=True):
                assert client.get(f"/models/{version}").json()["weights"] == checkpoint
            assert worker.server.stop(60) == 0
            assert gateway.stop() in {0, -signal.SIGTERM}

            for name in {"second", "third"} - {servers.primary}:
                servers.stall(name)
            with pytest.raises(StoreUnavailable, match="0 of 1 replicas"):
                gateway.state.retention.set("a", None)
        finally:
            print(gateway.text)  # shown when the test has failed
            gateway.close()
