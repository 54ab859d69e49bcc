"""Limits of one merge, which the watchdog enforces. Imports only the standard library, as the watchdog must."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MergeLimits:
    """Limits of one merge; all are finite.

    seconds: from start to end. cancel_grace_seconds: from a cancel to the end. memory_bytes: anonymous and shared
    memory of the process, without mapped files. silence_seconds: without a heartbeat from the lease thread; a call that
    never releases the interpreter lock stops it.
    """

    seconds: float
    cancel_grace_seconds: float
    memory_bytes: int
    silence_seconds: float
