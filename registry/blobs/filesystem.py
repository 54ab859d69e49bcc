"""File system operations of the file stores: durable renames, locks, and StorageFull for a full disk."""

import contextlib
import ctypes
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.errors import StorageFull

_begin_writing = getattr(ctypes.CDLL(None), "sync_file_range", None)  # of Linux alone
_SYNC_FILE_RANGE_WRITE = 2
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def room() -> Iterator[None]:
    """Raise StorageFull for the operating system's errors of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull(
                "The disk of the data folder is full. Free some space (or lower ODEM_MIN_FREE_BYTES) and retry."
            ) from error
        raise


def check_free(folder: Path, more: int, least: int) -> None:
    """Raises StorageFull if `more` bytes would leave fewer than `least` free on the folder's file system."""
    status = os.statvfs(folder)
    with room():
        if status.f_bavail * status.f_frsize - more < least:
            raise OSError(errno.ENOSPC, "below the free space that must stay")


@contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """Hold a lock file, LOCK_SH or LOCK_EX, while the block runs. Source: flock(2)."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def begin_writing(file: int, start: int, stop: int) -> None:
    """Start write-back of these bytes of a file where the kernel can, so that a later fsync has less to do.

    It guarantees nothing, so errors are ignored. Source: sync_file_range(2), SYNC_FILE_RANGE_WRITE.
    """
    if _begin_writing is not None:
        _begin_writing(file, ctypes.c_int64(start), ctypes.c_int64(stop - start), _SYNC_FILE_RANGE_WRITE)


def replace_text(path: Path, text: str) -> None:
    """Replace a small file atomically and durably. Raises StorageFull."""
    fresh = path.with_name(f"{secrets.token_hex(8)}.new")
    with room():
        try:
            with fresh.open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
