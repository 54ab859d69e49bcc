"""Merges through the whole service, in both kinds of client."""

import asyncio
import os
import struct
import uuid
from pathlib import Path

import pytest

from benchmarks.harness.stack import Stack
from odem_client import AsyncOdem, MergeFailed, NotFound, Odem
from odem_client.generated.models import ProgressEvent, StateEvent, VersionEvent
from tests.clients.material import safetensors_file

pytestmark = pytest.mark.slow
AVERAGE = {"method": "average"}


@pytest.fixture
def lineage(service: Stack, plain: tuple[Path, Path]) -> str:
    name = f"l-{uuid.uuid4().hex[:8]}"
    with Odem(service.url) as odem:
        odem.create_lineage(name, base=plain[0], recipe=AVERAGE)
    return name


def test_a_checkpoint_is_merged_watched_and_pulled(
    service: Stack, lineage: str, plain: tuple[Path, Path], tmp_path: Path
) -> None:
    seen: list[object] = []
    with Odem(service.url) as odem:
        merge = odem.merge(plain[1], task="first", lineage=lineage, labels={"run": "7"})
        done = odem.wait(merge, timeout=60, on_event=seen.append)
        assert done.version == f"{lineage}@1"
        assert [type(event) for event in seen if not isinstance(event, ProgressEvent)][-2:] == [
            VersionEvent,
            StateEvent,
        ]
        assert [item.id for item in odem.merges(lineage)] == [merge.id]
        pulled = odem.pull(done.version, tmp_path)
        assert (pulled.reference, pulled.config) == (f"{lineage}@1", None)
        odem.set_alias(lineage, "production", "1")
        assert [(alias.name, alias.version) for alias in odem.aliases(lineage)] == [("production", f"{lineage}@1")]
        assert odem.rollback(lineage, "0").reference == f"{lineage}@2"
        assert [version.number for version in odem.versions(lineage)] == [2, 1, 0]
        odem.delete_alias(lineage, "production")
        with pytest.raises(NotFound):
            odem.alias(lineage, "production")


def test_the_same_with_asyncio(service: Stack, lineage: str, plain: tuple[Path, Path], tmp_path: Path) -> None:
    async def go() -> None:
        async with AsyncOdem(service.url) as odem:
            merges = [await odem.merge(plain[1], task=name, lineage=lineage) for name in ("first", "second")]
            done = await asyncio.gather(*(odem.wait(merge, timeout=60) for merge in merges))
            assert [merge.version for merge in done] == [f"{lineage}@1", f"{lineage}@2"]
            kinds = [event.type_ async for event in odem.watch(merges[0])]
            assert kinds[-1] == "state"
            assert [version.number async for version in odem.versions(lineage)] == [2, 1, 0]
            assert (await odem.pull(f"{lineage}@2", tmp_path)).received > 0

    asyncio.run(go())


def test_a_merge_that_fails_is_told_with_its_problem(service: Stack, lineage: str, tmp_path: Path) -> None:
    bad = safetensors_file(tmp_path / "bad", 20_000, 5)
    with bad.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(struct.pack("<f", float("nan")))
    with Odem(service.url) as odem, pytest.raises(MergeFailed, match="weight") as raised:
        odem.wait(odem.merge(bad, task="first", lineage=lineage), timeout=60)
    assert raised.value.merge.problem is not None


def test_events_can_be_gone_on_with_after_the_gateway_was_killed(
    service: Stack, lineage: str, plain: tuple[Path, Path]
) -> None:
    with Odem(service.url) as odem:
        events = odem.watch_lineage(lineage)
        assert next(events).type_ == "present"
        service.kill("gateway")
        merge = odem.merge(plain[1], task="first", lineage=lineage)
        states = []
        for event in events:
            if isinstance(event, StateEvent):
                assert event.merge == merge.id
                states.append(event.state.value)
                if event.state.value == "succeeded":
                    break
        assert states == ["queued", "running", "succeeded"]
