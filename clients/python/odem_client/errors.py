"""What goes wrong, as exceptions.

OdemError
├── ProblemError                 the service refused; carries the problem document
│   ├── NotAuthenticated           401
│   ├── NotAllowed                 403
│   ├── NotFound                   404, and 410 for what there was
│   ├── Conflict                   409, 412, 423: it is not as the request supposes
│   ├── TooLarge                   413
│   ├── Invalid                    400, 415, 422: the request itself is wrong
│   ├── TooMany                    429
│   └── Unavailable                5xx: after the last retry
├── Unreachable                  no answer, after the last retry
├── DigestMismatch               bytes are not those that were named
├── WaitTimeout                  a merge has not ended in the time that was given
└── MergeNotSucceeded            a merge ended otherwise; carries the merge
    ├── MergeRejected              its gate was not met
    ├── MergeFailed                its problem says why
    └── MergeCancelled
"""

import json

from odem_client.generated.models import InvalidPlace, MergeState, MergeView, Problem
from odem_client.generated.types import Unset


class OdemError(Exception):
    """Anything that this package raises on purpose."""


class ProblemError(OdemError):
    """The service refused. `problem` is what it said (RFC 9457).

    status: HTTP status. type: a stable word such as `tensor-mismatch`. request_id: names the request to who runs the
    service, where it says one.
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
        """Which problem it is, without the path before it."""
        return self.problem.type_.rsplit("/", 1)[-1]

    @property
    def differences(self) -> list[str]:
        """Of `tensor-mismatch`: what differs from the lineage's base."""
        found = self.problem.differences
        return [] if isinstance(found, Unset) else found

    @property
    def errors(self) -> list[InvalidPlace]:
        """Of `invalid-document`: all that is wrong with the request."""
        found = self.problem.errors
        return [] if isinstance(found, Unset) else found

    @staticmethod
    def of(status: int, body: bytes, reason: str, request_id: str | None = None) -> "ProblemError":
        """The exception for an answer; what is no problem document is wrapped in one."""
        try:
            problem = Problem.from_dict({"status": status, "detail": ""} | json.loads(body))
        except (ValueError, KeyError, TypeError):
            detail = f"{status} {reason}: {body[:200].decode(errors='replace')}".rstrip(": ")
            problem = Problem(type_="about:blank", title=reason, status=status, detail=detail)
        return _class_of(status)(problem, request_id)


class NotAuthenticated(ProblemError):
    """401: no key, or one that is not good."""


class NotAllowed(ProblemError):
    """403: the key's scope or lineages do not cover this."""


class NotFound(ProblemError):
    """404 or 410: there is no such thing, or no longer."""


class Conflict(ProblemError):
    """409, 412, 423: the thing is not as the request supposes."""


class TooLarge(ProblemError):
    """413: a limit was passed; the detail names its setting."""


class Invalid(ProblemError):
    """400, 415, 422: the request or the file is wrong."""


class TooMany(ProblemError):
    """429: more than is allowed in this time."""


class Unavailable(ProblemError):
    """The service cannot do it now."""


class Unreachable(OdemError):
    """No answer came, or it was cut off."""


class DigestMismatch(OdemError):
    """Bytes are not those that were named."""

    def __init__(self, what: str, expected: str, actual: str) -> None:
        super().__init__(f"{what} is not what was asked for: expected {expected}, got {actual}.")
        self.expected = expected
        self.actual = actual


class WaitTimeout(OdemError):
    """A merge has not ended in the time that was given; it goes on."""


class MergeNotSucceeded(OdemError):
    """A merge ended otherwise than with a version."""

    def __init__(self, merge: MergeView) -> None:
        told = f": {merge.problem.detail}" if merge.problem else ""
        super().__init__(f"The merge {merge.id} was {merge.state.value}{told}")
        self.merge = merge

    @staticmethod
    def of(merge: MergeView) -> "MergeNotSucceeded":
        """The exception for the state in which the merge ended."""
        return _ENDS.get(merge.state, MergeNotSucceeded)(merge)


class MergeRejected(MergeNotSucceeded):
    """The merge's gate was not met; head is unchanged, the report is kept."""


class MergeFailed(MergeNotSucceeded):
    """The merge failed; its problem says why."""


class MergeCancelled(MergeNotSucceeded):
    """Somebody cancelled the merge."""


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
