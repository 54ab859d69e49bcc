"""Where bytes are kept: in a bucket of a real S3 server; and brought back after all was lost."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.harness.processes import ROOT, eventually
from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api
from tests.acceptance.material import TASKS, Material
from tests.conformance.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

pytestmark = pytest.mark.slow


def admin(stack: Stack, *arguments: str, **settings: str) -> str:
    """Run the owner's command beside a stack; it must find nothing wrong."""
    settings = {
        "ODEM_REDIS_URL": f"unix://{stack.data}/valkey/valkey.sock?db=0",
        "ODEM_DATA_DIR": str(stack.data),
    } | settings
    command = (sys.executable, "-m", "registry.admin", *arguments)
    result = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def merge(api: Api, material: Material, number: int, name: str = "a") -> dict[str, object]:
    """An ODE-M merge of one of the tasks, to its success."""
    task = TASKS[number]
    document = {"lineage": name, "task": task.document, "recipe": {"method": "ode"}}
    return api.wait_success(api.merge(document, material.visual[task.name], material.calibration[task.name]))


def create(api: Api, material: Material, name: str = "a") -> None:
    api.create_lineage({"name": name, "architecture": networks.ARCHITECTURE, "base": api.post_blob(material.base)})


def weights(api: Api, version: str) -> str:
    """The digest of a version's bytes as they are served, which must be what its record says."""
    body = api.http.get(f"/models/{version}/weights")
    assert body.status_code == 200, body.text
    digest = f"sha256:{hashlib.sha256(body.content).hexdigest()}"
    assert api.version(version)["weights"] == digest
    return digest


def test_merges_run_on_a_bucket_and_are_restored_from_it_alone(
    own_stack: Callable[..., Stack], client: Callable[[Stack], Api], material: Material, s3_server: S3Server
) -> None:
    settings = {
        "ODEM_BLOBS_URL": s3_server.url(uuid.uuid4().hex),
        "ODEM_BLOBS_ACCESS_KEY": ACCESS_KEY,
        "ODEM_BLOBS_SECRET_KEY": SECRET_KEY,
        "ODEM_LOG_FORMAT": "json",
    }
    stack = own_stack(**settings)
    api = client(stack)
    api.http.headers["X-Request-Id"] = "from-the-client"
    create(api, material)
    made = merge(api, material, 0)
    shutil.rmtree(stack.data / "blobs" / "sha256")
    (stack.data / "blobs" / "sha256").mkdir()
    merge(api, material, 1)
    served = {version: weights(api, version) for version in ("a@0", "a@1", "a@2")}
    api.http.put("/lineages/a/aliases/production", json={"version": "1"}).raise_for_status()
    eventually(lambda: "written: 0" in admin(stack, "manifests", **settings), "all manifests in the bucket")
    assert admin(stack, "verify", **settings).endswith("no problems\n")
    assert "in total: 0 files" in admin(stack, "collect", **settings), "everything is young"
    assert not (stack.data / "manifests").exists()
    lines = [json.loads(line[line.index("{") :]) for line in stack.text.splitlines() if '"level"' in line]
    reported = [line for line in lines if line.get("request") == "from-the-client"]
    assert {"worker.run_merge", "uvicorn.access"} <= {line["logger"] for line in reported}
    assert any(line.get("merge") == made["id"] for line in reported), "a request is followed to its worker"

    other = own_stack(**settings)
    again = client(other)
    assert "restored: a, 3 versions" in admin(other, "rebuild", **settings)
    assert {version: weights(again, version) for version in served} == served
    assert weights(again, "a@production") == served["a@1"]
    merge(again, material, 2)
    assert admin(other, "verify", **settings).endswith("no problems\n")


def test_an_unavailable_bucket_is_reported_and_retried(
    own_stack: Callable[..., Stack], client: Callable[[Stack], Api], material: Material, s3_server: S3Server
) -> None:
    stack = own_stack(
        ODEM_BLOBS_URL=s3_server.url(uuid.uuid4().hex),
        ODEM_BLOBS_ACCESS_KEY=ACCESS_KEY,
        ODEM_BLOBS_SECRET_KEY=SECRET_KEY,
    )
    api = client(stack)
    s3_server.kill()
    try:
        response = api.http.post("/blobs", content=material.base.read_bytes())
        assert response.status_code == 503
        assert "blob store" in response.json()["detail"]
        assert stack.blobs == set()
    finally:
        s3_server.start()
    create(api, material)
    merge(api, material, 0)
    weights(api, "a@1")


def test_a_backup_of_files_taken_during_merges_restores_everything(
    own_stack: Callable[..., Stack], client: Callable[[Stack], Api], material: Material, tmp_path: Path
) -> None:
    stack = own_stack()
    api = client(stack)
    create(api, material)
    merge(api, material, 0)
    merge(api, material, 1)
    served = {version: weights(api, version) for version in ("a@0", "a@1", "a@2")}
    admin(stack, "manifests")
    running = api.merge(
        {"lineage": "a", "task": TASKS[2].document, "recipe": {"method": "average"}}, material.visual[TASKS[2].name]
    )
    backup = tmp_path / "backup"
    # As docs/how-to/back-up.md says: manifests first, then the blobs that they name.
    shutil.copytree(stack.data / "manifests", backup / "manifests")
    shutil.copytree(stack.data / "blobs", backup / "blobs")
    api.wait_success(running)
    stack.discard()
    shutil.rmtree(stack.data)

    fresh = own_stack()
    shutil.copytree(backup, fresh.data, dirs_exist_ok=True)
    assert "restored: a," in admin(fresh, "rebuild")
    assert admin(fresh, "verify").endswith("no problems\n")
    again = client(fresh)
    assert {version: weights(again, version) for version in served} == served
    merge(again, material, 2)
    assert admin(fresh, "verify").endswith("no problems\n")
