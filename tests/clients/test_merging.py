"""Merges through the whole service, in both kinds of client."""

import asyncio
import os
import struct
import uuid
from pathlib import Path

import pytest

from benchmarks.harness.stack import Stack
from odem_client import AsyncOdem, Invalid, MergeFailed, NotFound, Odem
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


def test_a_task_is_taken_out_and_lineages_are_joined(service: Stack, plain: tuple[Path, Path]) -> None:
    one, other = (f"l-{uuid.uuid4().hex[:8]}" for _ in range(2))
    with Odem(service.url) as odem:
        for name, task in ((one, "first"), (other, "second")):
            odem.create_lineage(name, base=plain[0])
            assert odem.wait(odem.merge(plain[1], task=task, lineage=name), timeout=60).version == f"{name}@1"
        assert odem.wait(odem.join(one, other), timeout=60).join
        assert [task.name for task in odem.version(f"{one}@2").tasks] == ["first", "second"]
        assert odem.wait(odem.recompute(one, "swudi"), timeout=60).recompute
        with pytest.raises(Invalid):
            odem.remove_task(one, "first", f"sha256:{'0' * 64}")
        assert odem.wait(odem.remove_task(one, "first"), timeout=60).removal

    async def go() -> None:
        async with AsyncOdem(service.url) as odem:
            await odem.wait(await odem.remove_task(one, "second"), timeout=60)
            assert (await odem.version(f"{one}@5")).tasks == []
            await odem.wait(await odem.join(one, other, "1"), timeout=60)
            assert [task.name for task in (await odem.version(f"{one}@6")).tasks] == ["second"]

    asyncio.run(go())


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


def test_a_failed_merge_raises_with_its_problem(service: Stack, lineage: str, tmp_path: Path) -> None:
    bad = safetensors_file(tmp_path / "bad", 20_000, 5)
    with bad.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(struct.pack("<f", float("nan")))
    with Odem(service.url) as odem, pytest.raises(MergeFailed, match="weight") as raised:
        odem.wait(odem.merge(bad, task="first", lineage=lineage), timeout=60)
    assert raised.value.merge.problem is not None


def test_events_resume_after_the_gateway_is_killed(service: Stack, lineage: str, plain: tuple[Path, Path]) -> None:
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
