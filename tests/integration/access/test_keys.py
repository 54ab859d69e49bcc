"""Keys as their owner makes, lists and revokes them, and what the gateway says about being open."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.processes import ROOT
from registry.api_key import Scope, new_key
from registry.state.state_store import StateStore
from standalone.valkey import EmbeddedValkey
from tests.integration.access.gateway import gateway_with_keys


@pytest.fixture
def environment(valkey: EmbeddedValkey, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "ODEM_REDIS_URL": valkey.url, "ODEM_DATA_DIR": str(tmp_path)}


def _run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_key_is_shown_once_and_only_its_hash_is_kept(environment: dict[str, str], valkey: EmbeddedValkey) -> None:
    made = _run(
        environment,
        "registry.admin",
        "keys",
        "create",
        "--name",
        "ci",
        "--scope",
        "merge",
        "--lineage",
        "a",
        "--rate",
        "5",
    )
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    _, identity, secret = token.split("_")
    listed = json.loads(_run(environment, "registry.admin", "keys", "list", "--json").stdout)
    assert (listed["id"], listed["name"], listed["scope"], listed["lineages"]) == (identity, "ci", "merge", ["a"])
    assert listed["limits"]["rate"] == 5
    assert "hash" not in listed
    files = [path for path in valkey.folder.rglob("*") if path.is_file() and not path.is_socket()]
    assert any(identity.encode() in path.read_bytes() for path in files)
    assert not any(secret.encode() in path.read_bytes() for path in files)
    revoked = _run(environment, "registry.admin", "keys", "revoke", identity)
    assert revoked.returncode == 0
    assert f"{identity}  revoked" in _run(environment, "registry.admin", "keys", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("revoke", "0" * 16), "not found; see `python -m registry.admin keys list`"),
        (("create", "--name", "", "--scope", "read"), "name"),
        (("create", "--name", "x", "--scope", "read", "--lineage", "NO"), "lineages"),
        (("create", "--name", "x", "--scope", "all"), "--scope"),
        (("create", "--name", "x", "--scope", "read", "--expires-days", "nan"), "above 0"),
        (("create", "--name", "x", "--scope", "read", "--expires-days", "1e300"), "at most 36500"),
    ],
)
def test_an_invalid_command_names_the_error(
    environment: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    done = _run(environment, "registry.admin", "keys", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_revoking_keeps_the_first_time(valkey: EmbeddedValkey) -> None:
    state = StateStore.open(valkey.url)
    key, _ = new_key('quoted "revoked_at":null', Scope.READ, [])
    state.api_keys.add(key)
    first = state.api_keys.revoke(key.id)
    assert first.revoked_at is not None
    assert state.api_keys.revoke(key.id) == first == state.api_keys.get(key.id)
    assert first.model_copy(update={"revoked_at": None}) == key
    state.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])
def test_an_open_gateway_does_not_listen_beyond_this_machine(environment: dict[str, str], host: str) -> None:
    done = _run({**environment, "ODEM_HOST": host}, "service")
    assert done.returncode == 2
    assert "ODEM_AUTH=on" in done.stderr


def test_an_open_standalone_does_not_listen_beyond_this_machine(environment: dict[str, str], tmp_path: Path) -> None:
    done = _run(environment, "standalone", "--host", "0.0.0.0", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "--auth" in done.stdout
    assert not (tmp_path / "data").exists()


def test_a_gateway_without_authentication_logs_a_warning(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    gateway = Gateway(valkey, tmp_path / "data", ODEM_AUTH="off").start()
    try:
        assert "authentication is disabled" in gateway.text
        assert gateway.client(None).get("/lineages").status_code == 200
    finally:
        gateway.close()


def test_a_remembered_key_ends_within_the_time_that_is_promised(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    gateway = gateway_with_keys(valkey, tmp_path / "data", ODEM_KEY_CACHE_SECONDS="0.3").start()
    try:
        key, client = gateway.key("read")
        assert client.get("/lineages").status_code == 200
        gateway.state.api_keys.revoke(key.id)
        from benchmarks.harness.processes import eventually

        eventually(lambda: client.get("/lineages").status_code == 401, "the revoked key is refused", 3.0)
    finally:
        gateway.close()
