"""Exceptions.

OdemError
├── ProblemError                 the service refused the request; carries the problem document
│   ├── NotAuthenticated           401
│   ├── NotAllowed                 403
│   ├── NotFound                   404, 410
│   ├── Conflict                   409, 412, 423
│   ├── TooLarge                   413
│   ├── Invalid                    400, 415, 422: the request is invalid
│   ├── TooMany                    429
│   └── Unavailable                5xx, after the last retry
├── Unreachable                  no response, after the last retry
├── DigestMismatch               bytes do not have the expected digest
├── WaitTimeout                  a merge did not end in time
└── MergeNotSucceeded            a merge ended without a version; carries the merge
    ├── MergeRejected              the gate rejected it
    ├── MergeFailed                its problem has the reason
    └── MergeCancelled
"""

import json

from odem_client.generated.models import InvalidField, MergeState, MergeView, Problem
from odem_client.generated.types import Unset


class OdemError(Exception):
    """Base class of all exceptions of this package."""


class ProblemError(OdemError):
    """The service refused the request. `problem` is the problem document (RFC 9457).

    status: HTTP status. type: a stable identifier such as `tensor-mismatch`. request_id: identifies the request in the
    service's logs, if known.
    """

    def __init__(self, problem: Problem, request_id: str | None = None) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem
        self.request_id = request_id

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def type(self) -> str:
        """The problem type without its path."""
        return self.problem.type_.rsplit("/", 1)[-1]

    @property
    def differences(self) -> list[str]:
        """For `tensor-mismatch`: the differences from the lineage's base."""
        result = self.problem.differences
        return [] if isinstance(result, Unset) else result

    @property
    def errors(self) -> list[InvalidField]:
        """For `invalid-document`: every error in the request."""
        result = self.problem.errors
        return [] if isinstance(result, Unset) else result

    @staticmethod
    def from_response(status: int, body: bytes, reason: str, request_id: str | None = None) -> "ProblemError":
        """The exception for a response; a body that is not a problem document is wrapped in one."""
        try:
            problem = Problem.from_dict({"status": status, "detail": ""} | json.loads(body))
        except (ValueError, KeyError, TypeError):
            detail = f"{status} {reason}: {body[:200].decode(errors='replace')}".rstrip(": ")
            problem = Problem(type_="about:blank", title=reason, status=status, detail=detail)
        return _class_of(status)(problem, request_id)


class NotAuthenticated(ProblemError):
    """401: no API key, or an invalid one."""


class NotAllowed(ProblemError):
    """403: the key's scope or lineages do not cover the request."""


class NotFound(ProblemError):
    """404 or 410: the resource does not exist, or no longer."""


class Conflict(ProblemError):
    """409, 412, 423: the resource is not in the state that the request expects."""


class TooLarge(ProblemError):
    """413: a size limit was exceeded; the detail names its setting."""


class Invalid(ProblemError):
    """400, 415, 422: the request or the file is invalid."""


class TooMany(ProblemError):
    """429: rate limit or quota exceeded."""


class Unavailable(ProblemError):
    """5xx: the service is temporarily unable to handle the request."""


class Unreachable(OdemError):
    """No response, or an interrupted one."""


class DigestMismatch(OdemError):
    """Bytes do not have the expected digest."""

    def __init__(self, what: str, expected: str, actual: str) -> None:
        super().__init__(f"{what} has the wrong digest: expected {expected}, got {actual}.")
        self.expected = expected
        self.actual = actual


class WaitTimeout(OdemError):
    """A merge did not end in time; it continues."""


class MergeNotSucceeded(OdemError):
    """A merge ended without a version."""

    def __init__(self, merge: MergeView) -> None:
        detail = f": {merge.problem.detail}" if merge.problem else ""
        super().__init__(f"The merge {merge.id} was {merge.state.value}{detail}")
        self.merge = merge

    @staticmethod
    def from_merge(merge: MergeView) -> "MergeNotSucceeded":
        """The exception for the state in which the merge ended."""
        return _ENDS.get(merge.state, MergeNotSucceeded)(merge)


class MergeRejected(MergeNotSucceeded):
    """The gate rejected the merge; head is unchanged, and the merge has a report."""


class MergeFailed(MergeNotSucceeded):
    """The merge failed; its problem has the reason."""


class MergeCancelled(MergeNotSucceeded):
    """The merge was cancelled."""


_ENDS = {
    MergeState.REJECTED: MergeRejected,
    MergeState.FAILED: MergeFailed,
    MergeState.CANCELLED: MergeCancelled,
}
_BY_STATUS: dict[int, type[ProblemError]] = {
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    410: NotFound,
    409: Conflict,
    412: Conflict,
    423: Conflict,
    413: TooLarge,
    429: TooMany,
}


def _class_of(status: int) -> type[ProblemError]:
    return _BY_STATUS.get(status, Unavailable if status >= 500 else Invalid)
