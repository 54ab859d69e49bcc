"""A merge that takes too long, or does not stop when it is cancelled, is ended; the next merge of its lineage runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api, Json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
Start = Callable[..., Stack]
Client = Callable[[Stack], Api]
SIDE = 4000
"""Rows and columns of a matrix whose singular values take far longer than the limits below, in one call of LAPACK."""
SLOW: Json = {"method": "opcm"}
FAST: Json = {"method": "average"}


def _prepared(api: Api, folder: Path) -> tuple[str, str]:
    """A data-free lineage with one merged checkpoint; returns the base's and a checkpoint's digest."""
    generator = torch.Generator().manual_seed(0)
    files = {
        name: networks.save(
            folder / f"{name}.safetensors", {"layer.weight": torch.randn(SIDE, SIDE, generator=generator)}
        )
        for name in ("base", "checkpoint")
    }
    base, checkpoint = (api.post_blob(files[name]) for name in ("base", "checkpoint"))
    api.create_lineage({"name": "line", "base": base, "recipe": SLOW})
    # The first merge takes the checkpoint as it is; OPCM decomposes from the second on.
    api.wait_success(_send(api, "first", checkpoint, FAST))
    return base, checkpoint


def _send(api: Api, task: str, checkpoint: str, recipe: Json) -> str:
    return api.merge_of_blobs({"lineage": "line", "task": {"name": task}, "checkpoint": checkpoint, "recipe": recipe})


def _assert_goes_on(api: Api, checkpoint: str, slow: Json) -> None:
    """Head is unchanged by the merge that was ended, and its successor made the next version."""
    assert slow["attempt"] == 1
    assert slow["version"] is None
    after = api.wait_success(_send(api, "after", checkpoint, FAST))
    assert after["version"] == "line@2"
    assert [version["number"] for version in api.versions("line")] == [0, 1, 2]


def test_a_merge_beyond_its_time_is_ended_and_its_successor_runs(
    own_stack: Start, client: Client, tmp_path: Path
) -> None:
    api = client(own_stack(ODEM_MAX_MERGE_SECONDS="10"))
    _, checkpoint = _prepared(api, tmp_path)
    ended = api.wait(_send(api, "slow", checkpoint, SLOW))
    assert ended["state"] == "failed"
    assert ended["problem"]["type"] == "/problems/time-limit"
    assert "ODEM_MAX_MERGE_SECONDS" in ended["problem"]["detail"]
    _assert_goes_on(api, checkpoint, ended)


def test_a_cancel_is_obeyed_by_a_merge_that_does_not_look(own_stack: Start, client: Client, tmp_path: Path) -> None:
    api = client(own_stack(ODEM_CANCEL_GRACE_SECONDS="1", ODEM_LEASE_SECONDS="3"))
    _, checkpoint = _prepared(api, tmp_path)
    merge = _send(api, "slow", checkpoint, SLOW)
    api.watch(merge, lambda view: view["state"] == "running", "runs")
    assert api.http.post(f"/merges/{merge}/cancel").is_success
    ended = api.wait(merge)
    assert ended["state"] == "cancelled"
    _assert_goes_on(api, checkpoint, ended)


def test_a_merge_beyond_its_memory_is_ended_and_its_successor_runs(
    own_stack: Start, client: Client, tmp_path: Path
) -> None:
    api = client(own_stack(ODEM_MAX_MERGE_MEMORY_BYTES=str(700 << 20)))
    _, checkpoint = _prepared(api, tmp_path)
    ended = api.wait(_send(api, "slow", checkpoint, SLOW))
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/out-of-memory"), ended
    assert "ODEM_MAX_MERGE_MEMORY_BYTES" in ended["problem"]["detail"]
    _assert_goes_on(api, checkpoint, ended)
