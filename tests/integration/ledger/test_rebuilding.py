"""The ledger, out of its manifests and back."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from registry.admin.__main__ import main
from registry.admin.restore import rebuild
from registry.admin.settings import AdminSettings
from registry.admin.verify import verify
from registry.errors import AliasChanged
from registry.manifest import write_due
from registry.retention import Retention
from registry.version import VersionReference
from tests.integration.ledger.conftest import Ledger


@dataclass(frozen=True)
class _Outcome:
    returncode: int
    stdout: str


Admin = Callable[..., _Outcome]


@pytest.fixture
def admin(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> Admin:
    """Return the command, run in this process."""

    def run(*arguments: str) -> _Outcome:
        settings = AdminSettings(redis_url=ledger.url, data_dir=ledger.root)
        return _Outcome(main(arguments, settings), capsys.readouterr().out)

    return run


def _seen(ledger: Ledger) -> dict[str, Any]:
    """Everything that a client can read."""
    state = ledger.state
    return {
        lineage.name: (
            lineage,
            list(ledger.reader.versions(lineage.name)),
            [state.merges.get(merge.id) for merge in ledger.reader.merges(lineage.name) if merge.version],
            list(state.aliases.list(lineage.name)),
            list(state.retention.list_pins(lineage.name)),
            state.retention.get(lineage.name),
        )
        for lineage in state.lineages.list()
    }


def _lose_the_store(ledger: Ledger) -> None:
    with redis.Redis.from_url(ledger.url) as client:
        client.flushall()


def _fill(ledger: Ledger) -> None:
    for name in ("a", "b"):
        ledger.create(name)
        for _ in range(4):
            ledger.merge(name)
    state = ledger.state
    state.aliases.set("a", "production", 2)
    state.retention.set_pin("a", 1, pinned=True)
    state.retention.set("a", Retention(keep_last=1))
    assert list(state.retention.retire("a")) == [3]


def test_a_lost_state_store_is_rebuilt_as_it_was(ledger: Ledger, admin: Admin) -> None:
    _fill(ledger)
    assert write_due(ledger.state.manifests, ledger.manifests) >= 12
    assert ledger.state.manifests.due_manifests() == {}
    before = _seen(ledger)
    revision = ledger.state.aliases.get("a", "production").revision
    _lose_the_store(ledger)
    outcome = admin("rebuild")
    assert outcome.returncode == 0, outcome.stdout
    assert "restored: a, 5 versions" in outcome.stdout
    assert _seen(ledger) == before
    assert list(verify(ledger.state, ledger.manifests, ledger.blobs)) == []
    # Life goes on: the next merge, and an alias moved with the ETag from before.
    assert ledger.merge("a").number == 5
    assert ledger.state.aliases.set("a", "production", 5, str(revision)).version == 5
    with pytest.raises(AliasChanged):
        ledger.state.aliases.set("a", "production", 4, str(revision))


def test_a_rebuild_that_is_repeated_changes_nothing(ledger: Ledger) -> None:
    _fill(ledger)
    write_due(ledger.state.manifests, ledger.manifests)
    before = _seen(ledger)
    outcome = rebuild(ledger.state.manifests, ledger.manifests, ledger.blobs)
    assert (outcome.restored, outcome.present, outcome.problems) == ({}, ["a", "b"], [])
    assert _seen(ledger) == before


def test_a_lineage_with_a_lost_manifest_is_not_brought_back_in_part(ledger: Ledger) -> None:
    _fill(ledger)
    write_due(ledger.state.manifests, ledger.manifests)
    _lose_the_store(ledger)
    next(iter(_manifests_of(ledger, "a"))).with_name("2.json").unlink()
    outcome = rebuild(ledger.state.manifests, ledger.manifests, ledger.blobs)
    assert outcome.restored == {"b": 5}
    assert outcome.problems == ["a: manifests are missing, of the versions [2]"]


def _manifests_of(ledger: Ledger, lineage: str) -> list[Path]:
    return [
        path for path in (ledger.root / "manifests").glob("*/*.json") if f'"lineage":"{lineage}"' in path.read_text()
    ]


def test_a_manifest_that_changed_while_it_was_written_is_still_due(ledger: Ledger) -> None:
    ledger.create()
    (due,) = ledger.state.manifests.due_manifests().values()
    ledger.state.aliases.set("a", "x", 0)
    assert ledger.state.manifests.ack_manifest("a", "lineage", due["lineage"]) is False
    write_due(ledger.state.manifests, ledger.manifests)
    assert ledger.manifests.read("a", "lineage") == ledger.state.manifests.lineage_manifest("a").model_dump_json()
    assert ledger.state.manifests.due_manifests() == {}


def test_manifests_that_another_process_is_writing_are_left_to_it(ledger: Ledger) -> None:
    ledger.create()
    with ledger.manifests.exclusively("a", wait=True) as ours:
        assert ours
        assert write_due(ledger.state.manifests, ledger.manifests) == 0
    assert write_due(ledger.state.manifests, ledger.manifests) == 2


def test_many_writers_of_manifests_end_and_leave_the_newest(ledger: Ledger) -> None:
    ledger.create()

    def change(turn: int) -> None:
        ledger.state.aliases.set("a", f"alias{turn % 5}", 0)
        write_due(ledger.state.manifests, ledger.manifests)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(change, range(40)))
    write_due(ledger.state.manifests, ledger.manifests)
    assert ledger.state.manifests.due_manifests() == {}
    assert ledger.manifests.read("a", "lineage") == ledger.state.manifests.lineage_manifest("a").model_dump_json()


def test_verify_finds_missing_and_changed_blobs(ledger: Ledger, admin: Admin) -> None:
    _fill(ledger)
    write_due(ledger.state.manifests, ledger.manifests)
    good = admin("verify")
    assert (good.returncode, good.stdout) == (0, "no problems\n")
    changed = ledger.blobs.path(ledger.state.versions.get(VersionReference.parse("a@1")).weights)
    changed.chmod(0o600)
    changed.write_bytes(b"weights of a@X")
    missing = ledger.blobs.path(ledger.state.versions.get(VersionReference.parse("b@2")).weights)
    missing.unlink()
    ledger.manifests.write("b", "3", "{}")
    bad = admin("verify")
    assert bad.returncode == 1
    assert f"changed: the bytes of sha256:{changed.name} hash to" in bad.stdout
    assert f"missing: sha256:{missing.name}, part of b@2" in bad.stdout
    assert "manifest differs: b, 3" in bad.stdout
    assert "3 problems" in bad.stdout


def test_a_retired_version_s_bytes_and_ended_merges_checkpoints_are_collected_and_nothing_else(
    ledger: Ledger, admin: Admin
) -> None:
    _fill(ledger)
    queued = ledger.enqueue("b")
    for path in (ledger.root / "blobs").glob("sha256/*/*"):
        os.utime(path, (time.time() - 1e6,) * 2)
    retired = ledger.state.versions.get(VersionReference.parse("a@3"))
    dry = admin("collect", "--dry-run")
    assert dry.returncode == 0
    assert dry.stdout.splitlines()[0] == f"would delete: orphan {retired.weights}, {retired.size} bytes"
    assert ledger.blobs.get(retired.weights).size == retired.size
    done = admin("collect")
    assert done.stdout == dry.stdout.replace("would delete", "deleted")
    assert "deleted in total: 1 files" in done.stdout
    # The merges of `a` and `b` came from one checkpoint, which a queued merge still needs.
    ledger.state.merges.request_cancel(queued.id)
    assert queued.checkpoint in admin("collect").stdout
    write_due(ledger.state.manifests, ledger.manifests)
    assert list(verify(ledger.state, ledger.manifests, ledger.blobs)) == []


def test_retention_previews_what_it_would_retire(ledger: Ledger, admin: Admin) -> None:
    _fill(ledger)
    ledger.state.retention.set("b", Retention(keep_last=2))
    reported = admin("retention").stdout
    assert reported == "would retire: b@1\nwould retire: b@2\n"
    assert ledger.state.versions.get(VersionReference.parse("b@1")).retired_at is None
    assert admin("retention", "--apply").stdout == reported.replace("would retire", "retired")
    assert ledger.state.versions.get(VersionReference.parse("b@1")).retired_at is not None
    assert admin("retention").stdout == ""


def test_the_command_runs_as_a_process_of_its_own(ledger: Ledger) -> None:
    environment = {**os.environ, "ODEM_REDIS_URL": ledger.url, "ODEM_DATA_DIR": str(ledger.root)}
    command = [sys.executable, "-m", "registry.admin", "verify"]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "no problems\n", "")
