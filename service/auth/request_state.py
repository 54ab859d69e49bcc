"""Per-request state: request ID, caller, response headers, and the request ID in log records."""

import logging
import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Self

from starlette.types import Scope

from registry.logging_config import escape_control_characters
from service.auth.api_keys import ANYBODY, Caller

_STATE = "odem.request_state"
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_request_id: ContextVar[str] = ContextVar("request_id", default="-")


@dataclass
class RequestState:
    """What the gateway knows of one request.

    action: the route's operation ID; "" until a route has matched. refused: whether something was hidden from its key.
    body_pending: whether bytes of the body may still be on their way. headers: added to the response, errors included.
    """

    request_id: str
    body_pending: bool = False
    caller: Caller = ANYBODY
    action: str = ""
    refused: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, scope: Scope) -> Self:
        """Create the state of a new request, and use its request ID in log records from here on."""
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _WELL_FORMED.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        pending = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        state = scope[_STATE] = cls(request_id, pending)
        _request_id.set(request_id)
        return state

    def refuse(self) -> None:
        """Note that something is hidden from this key."""
        self.refused = True


def request_state(scope: Scope) -> RequestState:
    """The state of a request."""
    state: RequestState = scope[_STATE]
    return state


def current_request_id() -> str | None:
    """The ID of the request that this task or thread works for."""
    result = _request_id.get()
    return None if result == "-" else result


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to log records ("-" outside requests), and `about`, the same as a suffix of the line.

    Control characters in the arguments of a record are percent-encoded: they may come from a client.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        result = _request_id.get()
        record.request_id = result
        record.about = "" if result == "-" else f" {result}"
        if isinstance(record.args, tuple):
            record.args = tuple(map(escape_control_characters, record.args))
        return True
