"""Files up and down through a real gateway: nothing twice, across kills, in little memory."""

import hashlib
import os
import shutil
import signal
import uuid
from pathlib import Path

import pytest

from benchmarks.harness.gateway import Gateway
from odem_client import DigestMismatch, Invalid, Odem
from tests.clients.material import run, safetensors_file

_PREAMBLE = r"""
import json, os, re, signal, sys
from odem_client import Odem
url, what, where, until = sys.argv[1:5]
moved = {"sending": [], "receiving": [], "hashing": []}
def on_progress(phase, done, total):
    moved[phase].append(done)
    if phase == until and done > total / 2:
        os.kill(os.getpid(), signal.SIGKILL)
def tell(**more):
    print(json.dumps(more | {
        "first": {phase: seen[0] for phase, seen in moved.items() if seen},
        "memory": int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024}))
"""
UPLOAD = _PREAMBLE + "\nwith Odem(url) as odem:\n    tell(digest=odem.upload(what, on_progress))"
PULL = _PREAMBLE + "\nwith Odem(url) as odem:\n    tell(received=odem.pull(what, where, on_progress).received)"
MAX_MEMORY = 100


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def test_a_client_killed_during_an_upload_resumes_it(gateway: Gateway, large: Path) -> None:
    status, _ = run(UPLOAD, gateway.url, large, "", "sending")
    assert status == -signal.SIGKILL
    status, printed = run(UPLOAD, gateway.url, large, "", "")
    assert status == 0
    assert printed["digest"] == _digest(large)
    assert printed["first"]["sending"] > large.stat().st_size * 0.4
    assert printed["memory"] < MAX_MEMORY
    _, printed = run(UPLOAD, gateway.url, large, "", "")
    assert list(printed["first"]) == ["hashing"], "what the service has is not sent again"


def test_a_client_killed_during_a_download_resumes_it(gateway: Gateway, large: Path, tmp_path: Path) -> None:
    lineage = f"l-{uuid.uuid4().hex[:8]}"
    with Odem(gateway.url) as odem:
        odem.create_lineage(lineage, base=large, recipe={"method": "average"})
    size = large.stat().st_size
    status, _ = run(PULL, gateway.url, f"{lineage}@0", tmp_path / "got", "receiving")
    assert status == -signal.SIGKILL
    assert not (tmp_path / "got" / "model.safetensors").exists()
    status, printed = run(PULL, gateway.url, f"{lineage}@0", tmp_path / "got", "")
    assert status == 0
    assert 0 < printed["received"] < size * 0.6
    assert printed["memory"] < MAX_MEMORY
    assert _digest(tmp_path / "got" / "model.safetensors") == _digest(large)
    _, printed = run(PULL, gateway.url, f"{lineage}@0", tmp_path / "got", "")
    assert printed["received"] == 0
    assert [item.name for item in (tmp_path / "got").iterdir()] == ["model.safetensors"]


def test_a_gateway_restarted_in_mid_upload_does_not_lose_it(gateway: Gateway, odem: Odem, tmp_path: Path) -> None:
    file = safetensors_file(tmp_path / "file", 10_000_000, 11)
    moved: list[int] = []

    def on_progress(phase: str, done: int, _: int) -> None:
        if phase == "sending":
            moved.append(done)
            if len(moved) == 25:
                gateway.kill()
                gateway.start()

    assert odem.upload(file, on_progress) == _digest(file)
    assert len(set(moved)) < len(moved) or moved != sorted(moved), "something was sent again"


def test_a_small_file_is_one_request_and_the_same_file_none(odem: Odem, plain: tuple[Path, Path]) -> None:
    digest = odem.upload(plain[0])
    assert digest == _digest(plain[0])
    assert odem.has(digest)
    assert odem.upload(plain[0]) == digest


def test_a_file_that_is_not_safetensors_is_refused_with_the_problem_of_the_service(odem: Odem, tmp_path: Path) -> None:
    small, large = tmp_path / "small.pt", tmp_path / "large.pt"
    small.write_bytes(b"PK\x03\x04" + bytes(1000))
    large.write_bytes(b"PK\x03\x04" + bytes(10_000_000))
    for file in (small, large):
        with pytest.raises(Invalid, match="safetensors") as raised:
            odem.upload(file)
        assert raised.value.type == "pickle-refused"


def test_bytes_damaged_on_disk_are_not_accepted_as_a_version(
    odem: Odem, plain: tuple[Path, Path], tmp_path: Path
) -> None:
    lineage = f"l-{uuid.uuid4().hex[:8]}"
    base = odem.create_lineage(lineage, base=plain[0], recipe={"method": "average"}).base
    part = tmp_path / f".{base.removeprefix('sha256:')[:16]}.part"
    part.write_bytes(os.urandom(1000))
    with pytest.raises(DigestMismatch):
        odem.pull(f"{lineage}@0", tmp_path)
    assert not list(tmp_path.iterdir())
    assert odem.pull(f"{lineage}@0", tmp_path).received == plain[0].stat().st_size


def test_a_file_of_the_folder_that_is_another_one_is_replaced(
    odem: Odem, plain: tuple[Path, Path], tmp_path: Path
) -> None:
    lineage = f"l-{uuid.uuid4().hex[:8]}"
    odem.create_lineage(lineage, base=plain[0], recipe={"method": "average"})
    shutil.copy(plain[1], tmp_path / "model.safetensors")
    odem.pull(f"{lineage}@0", tmp_path)
    assert _digest(tmp_path / "model.safetensors") == _digest(plain[0])
