"""One table from the core's errors to HTTP answers, and the handlers that write them as problem+json (RFC 9457)."""

import logging
import math

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from registry import errors
from service.auth.request_state import request_state
from service.http.problems import PROBLEM_TYPES, problem
from service.pipeline.body_limits import BodyRefused

_log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(errors.OdemError, _core)
    app.add_exception_handler(BodyRefused, _body)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(Exception, _unexpected)


async def _core(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.OdemError)  # noqa: S101  registered for this class only
    return problem_for(error)


def problem_for(error: errors.OdemError) -> JSONResponse:
    """The answer that an error of the core becomes."""
    status, kind, title = PROBLEM_TYPES[type(error)]
    more = {"differences": list(error.differences[:100])} if isinstance(error, errors.TensorMismatch) else {}
    answer = problem(status, kind, title, str(error), **more)
    if (challenge := _challenge(error)) is not None:
        answer.headers["WWW-Authenticate"] = challenge
    if isinstance(error, errors.RangeOutside):
        answer.headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, errors.TooManyRequests | errors.IdempotencyKeyBusy):
        answer.headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    return answer


def _challenge(error: Exception) -> str | None:
    """Source: RFC 6750, section 3."""
    if isinstance(error, errors.NotAuthenticated):
        return 'Bearer realm="odem", error="invalid_token"' if error.given else 'Bearer realm="odem"'
    if isinstance(error, errors.NotAllowed) and error.scope:
        return f'Bearer realm="odem", error="insufficient_scope", scope="{error.scope}"'
    return None


async def _body(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BodyRefused)  # noqa: S101  registered for this class only
    return await _core(request, error.error)


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this class only
    found = [{"where": ".".join(str(step) for step in item["loc"]), "what": item["msg"]} for item in error.errors()]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in found[:3])
    return problem(422, "invalid-document", "The request is not valid", detail, errors=found)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this class only
    if (unread := _unread_json(error)) is not None:
        return problem(422, "invalid-document", "The request is not valid", unread)
    kinds = {404: "not-found", 405: "method-not-allowed"}
    answer = problem(error.status_code, kinds.get(error.status_code, "http"), str(error.detail), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _unread_json(error: HTTPException) -> str | None:
    """What is wrong with a JSON body that broke the parser: FastAPI only says 400 where it is more than its grammar."""
    match error.__cause__:
        case UnicodeDecodeError():
            return "body: The JSON document is not UTF-8. Encode it as UTF-8 (RFC 8259, section 8.1)."
        case RecursionError():
            return "body: The JSON document is nested too deeply."
        case ValueError():
            return f"body: The JSON document cannot be read: {error.__cause__}."
    return None


async def _disconnected(_: Request, __: Exception) -> JSONResponse:
    return problem(
        400, "malformed-upload", "The upload was cut off", "The connection closed before the body was complete."
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    request_id = request_state(request.scope).request_id
    _log.error("%s %s failed (%s)", request.method, request.url.path, request_id, exc_info=error)
    answer = problem(
        500, "internal", "The service made a mistake", "The error was logged. Nothing was stored by this request."
    )
    answer.headers["X-Request-Id"] = request_id
    return answer
