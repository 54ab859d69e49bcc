"""Exclusive lock on a data folder."""

import fcntl
import os
import time
from pathlib import Path


class FolderInUse(Exception):
    """Another process holds the lock of the folder. `owner` is the process id in it, if any."""

    def __init__(self, folder: Path, owner: int | None) -> None:
        self.folder = folder
        self.owner = owner
        who = f"process {owner}" if owner else "another process"
        super().__init__(f"{folder} is in use by {who}: stop it first, or choose another data folder")


class FolderLock:
    """An exclusive flock(2) on ``<folder>/lock``, which holds its owner's process id as text.

    The kernel lets go of the lock when the last process that has inherited its descriptor is gone. Handing
    `fileno()` down to a server therefore keeps a second server off the folder even while the first one
    outlives its supervisor for a moment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def fileno(self) -> int:
        """Return the lock's descriptor. Raises RuntimeError while the lock is not held."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        return self._descriptor

    def acquire(self, patience: float = 5.0) -> None:
        """Take the lock, or raise FolderInUse.

        A living owner is refused at once. When the recorded owner is dead, what it had started may still be
        going down: that is waited for, `patience` seconds at most.
        """
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait_for(descriptor, time.monotonic() + patience)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def _wait_for(self, descriptor: int, deadline: float) -> None:
        while not _try_lock(descriptor):
            owner = _read_owner(descriptor)
            if owner is None or _alive(owner) or time.monotonic() > deadline:
                raise FolderInUse(self._folder, owner)
            time.sleep(0.05)

    def release(self) -> None:
        """Release the lock; children that inherited its descriptor hold it until they end."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_owner(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode(errors="replace")
    return int(text) if text.isdecimal() else None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
