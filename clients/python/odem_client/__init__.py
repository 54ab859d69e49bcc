"""The client of odem, continual model merging as a service."""

from odem_client.aio import AsyncOdem
from odem_client.client import Odem
from odem_client.digests import Progress
from odem_client.downloads import Pulled
from odem_client.errors import (
    Conflict,
    DigestMismatch,
    Invalid,
    MergeCancelled,
    MergeFailed,
    MergeNotSucceeded,
    MergeRejected,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OdemError,
    ProblemError,
    TooLarge,
    TooMany,
    Unavailable,
    Unreachable,
    WaitTimeout,
)
from odem_client.events import Event
from odem_client.retries import Retries

__all__ = [
    "AsyncOdem",
    "Conflict",
    "DigestMismatch",
    "Event",
    "Invalid",
    "MergeCancelled",
    "MergeFailed",
    "MergeNotSucceeded",
    "MergeRejected",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Odem",
    "OdemError",
    "ProblemError",
    "Progress",
    "Pulled",
    "Retries",
    "TooLarge",
    "TooMany",
    "Unavailable",
    "Unreachable",
    "WaitTimeout",
]
