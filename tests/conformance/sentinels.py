"""Three real Valkey servers, a primary and two replicas, and a Sentinel that puts one in another's place."""

import signal
from pathlib import Path
from typing import Self

import redis

from benchmarks.harness.processes import ServerProcess, eventually, free_port
from standalone.valkey import packaged_binary

PASSWORD = "pass@word/:1"
OWN_PASSWORD = "sentinels, too"
_SERVER = """\
port {port}
bind 127.0.0.1
dir {folder}
requirepass "{password}"
primaryauth "{password}"
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
"""
_SENTINEL = """\
port {port}
bind 127.0.0.1
dir {folder}
requirepass "{own}"
sentinel monitor odem 127.0.0.1 {primary} 1
sentinel auth-pass odem {password}
sentinel down-after-milliseconds odem 600000
sentinel failover-timeout odem 3000
"""


class Watched:
    """The servers and their Sentinel. `url` and `broker_url` are what the service is told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[str, ServerProcess] = {}
        self.ports = {name: free_port() for name in ("first", "second", "third")}
        self._sentinel_port = free_port()
        person, own = "pass%40word%2F%3A1", "sentinels%2C%20too"
        # The first Sentinel is one that is not there: whoever asks must go on to the next.
        positions = f"127.0.0.1:{free_port()},127.0.0.1:{self._sentinel_port}"
        self.broker_url = f"redis+sentinel://:{person}@{positions}/odem/1?sentinel_password={own}"
        self.url = f"redis+sentinel://:{person}@{positions}/odem/0?sentinel_password={own}&replicas=1"

    def __enter__(self) -> Self:
        try:
            self._start("first")
            for name in ("second", "third"):
                self._start(name, f"replicaof 127.0.0.1 {self.ports['first']}\n")
            eventually(lambda: self._copies() == 2, "replicas that follow")
            self._launch("sentinel", _SENTINEL, "--sentinel", port=self._sentinel_port, primary=self.ports["first"])
            eventually(self._watched, "a Sentinel that knows the replicas")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        for process in self._processes.values():
            process.kill()

    def kill(self, name: str) -> None:
        """SIGKILL a server, as the loss of its machine would, and let the Sentinel notice it soon."""
        self._processes[name].kill()
        self._notice_after(500)

    def calm(self) -> None:
        """Let the Sentinel notice nothing more: on a busy machine every server may be silent for a while."""
        self._notice_after(600_000)

    def stall(self, name: str) -> None:
        """Let a server stand still."""
        self._processes[name].signal(signal.SIGSTOP)

    @property
    def primary(self) -> str:
        """The server that the Sentinel calls the primary."""
        with redis.Redis(port=self._sentinel_port, password=OWN_PASSWORD, decode_responses=True) as client:
            _, port = client.sentinel_get_master_addr_by_name("odem")
        return next(name for name, mine in self.ports.items() if mine == int(port))

    def client(self, name: str) -> redis.Redis:
        return redis.Redis(port=self.ports[name], password=PASSWORD, decode_responses=True)

    def _notice_after(self, milliseconds: int) -> None:
        with redis.Redis(port=self._sentinel_port, password=OWN_PASSWORD) as client:
            client.sentinel_set("odem", "down-after-milliseconds", milliseconds)

    def _start(self, name: str, more: str = "") -> None:
        self._launch(name, _SERVER + more, port=self.ports[name])
        eventually(lambda: self._responds(name), f"the {name} server")

    def _responds(self, name: str) -> bool:
        with self.client(name) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _copies(self) -> int:
        with self.client("first") as client:
            client.set("test:probe", "")
            return int(client.wait(2, 10))

    def _watched(self) -> bool:
        with redis.Redis(port=self._sentinel_port, password=OWN_PASSWORD, decode_responses=True) as client:
            try:
                return len(client.sentinel_slaves("odem")) == 2
            except redis.RedisError:
                return False

    def _launch(self, name: str, configuration: str, *options: str, **values: int) -> None:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        path = folder / "valkey.conf"
        path.write_text(configuration.format(folder=folder, password=PASSWORD, own=OWN_PASSWORD, **values))
        command = (str(packaged_binary()), str(path), *options)
        self._processes[name] = ServerProcess(command, folder / "valkey.log", new_session=True).spawn()
