"""The embedded server with real processes: durable, private, alone in its folder."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
from kombu.connection import Connection

from standalone.lock import FolderInUse
from standalone.valkey import SOCKET_PATH_LIMIT, EmbeddedValkey, ValkeyFailed


def test_it_serves_with_durable_settings_and_no_tcp_port(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        settings = client.config_get("*")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["save"] == ""
    assert valkey.pid is not None
    connections = psutil.Process(valkey.pid).net_connections()
    assert connections == []


def test_nobody_but_the_owner_can_reach_it(valkey: EmbeddedValkey) -> None:
    assert stat.S_IMODE(valkey.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(valkey.socket.stat().st_mode) == 0o700


@pytest.mark.slow
def test_an_acknowledged_write_survives_sigkill(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server:
        for attempt in range(5):
            with redis.Redis.from_url(server.url) as client:
                for n in range(200):
                    client.rpush("acknowledged", f"{attempt}:{n}")
                server.kill()
            server.start()
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            kept = client.lrange("acknowledged", 0, -1)
    assert kept == [f"{attempt}:{n}" for attempt in range(5) for n in range(200)]


def test_a_clean_stop_and_a_new_start_find_the_data(tmp_path: Path) -> None:
    for n in range(3):
        with EmbeddedValkey(tmp_path) as server, redis.Redis.from_url(server.url) as client:
            assert client.incr("starts") == n + 1


@pytest.mark.parametrize("name", ["plain", "with space", 'quote"back\\slash', "päth%41?x#y", "deep/" * 30])
def test_any_folder_name_works_for_both_clients(tmp_path: Path, name: str) -> None:
    with EmbeddedValkey(tmp_path / name) as server:
        assert len(bytes(server.socket)) <= SOCKET_PATH_LIMIT
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
        with Connection(server.broker_url) as broker:  # type: ignore[no-untyped-call]
            queue = broker.SimpleQueue("bell")
            queue.put({"lineage": "default"})
            message = queue.get(timeout=5)
            message.ack()
            queue.close()
        assert message.payload == {"lineage": "default"}


def test_a_socket_outside_the_folder_is_private_and_removed(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / ("deep/" * 30)) as server:
        position = server.socket.parent
        assert position != server.folder
        assert stat.S_IMODE(position.stat().st_mode) == 0o700
    assert not position.exists()


def test_a_second_server_on_the_folder_is_refused_and_the_owner_named(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path), pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
        EmbeddedValkey(tmp_path).start()


def test_the_folder_stays_locked_while_the_server_lives_on(tmp_path: Path) -> None:
    """Two servers over the same append-only file would destroy it, whoever started them."""
    with EmbeddedValkey(tmp_path) as server:
        server.close()
        with pytest.raises(FolderInUse):
            EmbeddedValkey(tmp_path).start()


def test_a_failing_start_shows_the_log(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("a file where the server needs a folder")
    with pytest.raises(ValkeyFailed, match=r"(?s)did not get ready.*appendonly"):
        EmbeddedValkey(tmp_path).start(deadline=10)


@pytest.mark.slow
def test_the_server_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, signal\n"
        "from standalone.valkey import EmbeddedValkey\n"
        "server = EmbeddedValkey(pathlib.Path(sys.argv[1])); server.start()\n"
        "print(server.pid, flush=True); signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        server = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    server.wait(timeout=10)
    with EmbeddedValkey(tmp_path):
        pass


def test_memory_is_bounded_and_at_the_limit_writes_are_refused_and_nothing_is_evicted(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, maxmemory=8 << 20) as server, redis.Redis.from_url(server.url) as client:
        stored = 0
        with pytest.raises(redis.exceptions.OutOfMemoryError):  # noqa: PT012  which one does not fit is not known
            while stored < 100:
                client.set(f"key{stored}", b"x" * (1 << 20))
                stored += 1
        assert 0 < stored < 16
        assert client.dbsize() == stored
