"""The examples, run as they stand against the whole service."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from benchmarks.harness.processes import eventually
from benchmarks.harness.stack import Stack
from odem_client import Odem
from tests.acceptance import networks
from tests.acceptance.networks import ARCHITECTURE, Task
from tests.clients.material import CLIENT, ROOT

pytestmark = pytest.mark.slow
TASK = Task("alpha", 1)


@pytest.fixture
def environment(service: Stack, tmp_path: Path) -> dict[str, str]:
    """`odem` on the path, as an installation would put it there."""
    program = tmp_path / "bin" / "odem"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m odem_client.cli "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": f"{ROOT}:{CLIENT}", "ODEM_URL": service.url}


@pytest.fixture
def lineage(service: Stack, tmp_path: Path) -> str:
    name = f"l-{uuid.uuid4().hex[:8]}"
    base = networks.save(tmp_path / "base.safetensors", dict(networks.build().state_dict()))
    networks.save(tmp_path / "samples.safetensors", TASK.sample(24, seed=2))
    (tmp_path / "task.json").write_text(json.dumps(TASK.document))
    with Odem(service.url) as odem:
        odem.create_lineage(name, base=base, architecture=ARCHITECTURE)
    return name


def test_a_model_is_trained_served_and_promoted(
    service: Stack, lineage: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """The training loop pushes version 1, the server follows from 0 to it, the pipeline promotes a version 2."""
    follow = [
        sys.executable,
        "-m",
        "examples.serving_loop",
        f"{lineage}@latest",
        "--url",
        service.url,
        "--seconds",
        "0.2",
    ]
    with (tmp_path / "served").open("wb") as log:
        server = subprocess.Popen(follow, cwd=tmp_path, env=environment, stdout=log)

    def served() -> list[str]:
        assert server.poll() is None
        return [line.split()[1] for line in (tmp_path / "served").read_text().splitlines()]

    try:
        eventually(lambda: served() == ["serving/0"], "the server serves the base")
        train = [sys.executable, "-m", "examples.training_loop", "samples.safetensors", "task.json", "--steps", "5"]
        train += ["--url", service.url, "--lineage", lineage]
        output = subprocess.run(train, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout
        assert output.split() == ["training", "from", f"{lineage}@0", f"{lineage}@1"]
        eventually(lambda: served() == ["serving/0", "serving/1"], "the server has loaded the new version, once")
    finally:
        server.kill()
        server.wait()
    checkpoint = str(tmp_path / "training" / "checkpoint.safetensors")
    step = [str(ROOT / "examples" / "promote.sh"), checkpoint, "samples.safetensors", "task.json", lineage]
    subprocess.run(step, cwd=tmp_path, env=environment, check=True)
    with Odem(service.url) as odem:
        assert odem.alias(lineage, "production").version == f"{lineage}@2"
        # A gate that cannot be met: an earlier task would have to gain.
        (tmp_path / "task.json").write_text(json.dumps(Task("beta", 2).document))
        networks.save(tmp_path / "samples.safetensors", Task("beta", 2).sample(24, seed=2))
        done = subprocess.run(step, cwd=tmp_path, env={**environment, "MAX_DROP": "0"}, check=False)
        ended = next(odem.merges(lineage))
        assert (done.returncode, ended.state.value) in {(0, "succeeded"), (10, "rejected")}
        production = f"{lineage}@3" if done.returncode == 0 else f"{lineage}@2"
        assert odem.alias(lineage, "production").version == production
