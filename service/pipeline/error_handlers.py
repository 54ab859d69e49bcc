"""Exception handlers that turn errors into problem+json responses. Source: RFC 9457."""

import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from registry import errors
from service.auth.request_state import request_state
from service.http.body_refused import BodyRefused
from service.http.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES

_log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    for kind in (errors.OdemError, BodyRefused, RequestValidationError, HTTPException, ClientDisconnect):
        app.add_exception_handler(kind, _handle)
    app.add_exception_handler(Exception, _handle_unexpected)


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> JSONResponse:
    """A problem+json response. `more`: extension members."""
    body = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, **more}
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse(body, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)


def problem_for(error: errors.OdemError) -> JSONResponse:
    """The response to an error of the registry."""
    status, kind, title = PROBLEM_TYPES[type(error)]
    more = {"differences": list(error.differences[:100])} if isinstance(error, errors.TensorMismatch) else {}
    response = problem(status, kind, title, str(error), **more)
    if (challenge := _challenge(error)) is not None:
        response.headers["WWW-Authenticate"] = challenge
    if isinstance(error, errors.RangeOutside):
        response.headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, errors.TooManyRequests | errors.IdempotencyKeyBusy):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    return response


def status_of(error: Exception) -> int | None:
    """The HTTP status of an error's response; None for an internal server error."""
    response = _respond(error)
    return response.status_code if response else None


async def _handle(_: Request, error: Exception) -> JSONResponse:
    response = _respond(error)
    assert response is not None  # noqa: S101  registered for these classes only
    return response


def _respond(error: Exception) -> JSONResponse | None:
    match error:
        case errors.OdemError():
            return problem_for(error)
        case BodyRefused():
            return problem_for(error.error)
        case RequestValidationError():
            fields = [{"where": ".".join(map(str, item["loc"])), "what": _message(item)} for item in error.errors()]
            detail = "; ".join(f"{item['where']}: {item['what']}" for item in fields[:3])
            return _invalid(detail, errors=fields)
        case HTTPException():
            return _respond_to_http_exception(error)
        case ClientDisconnect():
            detail = "The connection closed before the body was complete. Nothing was stored."
            return problem_for(errors.MalformedUpload(detail))
    return None


def _respond_to_http_exception(error: HTTPException) -> JSONResponse:
    if (unread := _unreadable_json(error)) is not None:
        return _invalid(unread)
    kinds = {404: "not-found", 405: "method-not-allowed"}
    response = problem(error.status_code, kinds.get(error.status_code, "http"), str(error.detail), str(error.detail))
    response.headers.update(error.headers or {})
    return response


def _unreadable_json(error: HTTPException) -> str | None:
    """Why a JSON body could not be read, where FastAPI only says 400."""
    match error.__cause__:
        case UnicodeDecodeError():
            return "body: The JSON document is not UTF-8. Encode it as UTF-8 (RFC 8259, section 8.1)."
        case RecursionError():
            return "body: The JSON document is nested too deeply."
        case ValueError():
            return f"body: The JSON document cannot be read: {error.__cause__}."
    return None


def _invalid(detail: str, **more: Any) -> JSONResponse:
    return problem(422, "invalid-document", PROBLEM_TYPES[errors.InvalidRecord][2], detail, **more)


def _message(item: dict[str, Any]) -> str:
    """Pydantic's message; for a body that is no document, as without a Content-Type, what to send instead."""
    if item["type"] == "model_attributes_type" and item["loc"] == ("body",):
        return "Send a JSON object, with Content-Type: application/json."
    return str(item["msg"])


def _challenge(error: Exception) -> str | None:
    """Source: RFC 6750, section 3."""
    if isinstance(error, errors.NotAuthenticated):
        return 'Bearer realm="odem", error="invalid_token"' if error.given else 'Bearer realm="odem"'
    if isinstance(error, errors.NotAllowed) and error.scope:
        return f'Bearer realm="odem", error="insufficient_scope", scope="{error.scope}"'
    return None


async def _handle_unexpected(request: Request, error: Exception) -> JSONResponse:
    request_id = request_state(request.scope).request_id
    _log.error("%s %s failed (%s)", request.method, request.url.path, request_id, exc_info=error)
    response = problem_for(errors.OdemError("The error is in the gateway's log. Nothing was stored by this request."))
    response.headers["X-Request-Id"] = request_id
    return response
