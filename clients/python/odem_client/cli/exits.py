"""Exit statuses; docs/reference/clients.md lists them."""

from typing import Final

from odem_client.errors import (
    MergeCancelled,
    MergeFailed,
    MergeRejected,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OdemError,
    ProblemError,
    TooMany,
    Unavailable,
    Unreachable,
    WaitTimeout,
)

FAILED: Final = 1
REFUSED: Final = 3
INTERRUPTED: Final = 130
_STATUSES: Final[tuple[tuple[type[OdemError], int], ...]] = (
    (NotFound, 4),
    (NotAuthenticated, 5),
    (NotAllowed, 5),
    (Unreachable, 6),
    (Unavailable, 6),
    (TooMany, 6),
    (ProblemError, REFUSED),
    (MergeRejected, 10),
    (MergeFailed, 11),
    (MergeCancelled, 12),
    (WaitTimeout, 13),
)


def status_of(error: Exception) -> int:
    """The exit status for an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), FAILED)
