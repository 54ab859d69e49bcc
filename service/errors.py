"""One table from the core's errors to HTTP answers, and the handlers that write them as problem+json (RFC 9457)."""

import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from registry import errors
from service.bodies import BodyRefused
from service.visits import visit_of

_log = logging.getLogger(__name__)

ANSWERS: dict[type[errors.OdemError], tuple[int, str, str]] = {
    errors.OdemError: (500, "internal", "The service made a mistake"),
    errors.NotFound: (404, "not-found", "Not found"),
    errors.LineageNotFound: (404, "lineage-not-found", "No such lineage"),
    errors.VersionNotFound: (404, "version-not-found", "No such version"),
    errors.MergeNotFound: (404, "merge-not-found", "No such merge"),
    errors.BlobNotFound: (404, "blob-not-found", "No such blob"),
    errors.AliasNotFound: (404, "alias-not-found", "No such alias"),
    errors.KeyNotFound: (404, "key-not-found", "No such key"),
    errors.WebhookNotFound: (404, "webhook-not-found", "No such webhook"),
    errors.NotAuthenticated: (401, "not-authenticated", "An API key is needed"),
    errors.NotAllowed: (403, "not-allowed", "The API key does not cover this"),
    errors.TooManyRequests: (429, "too-many-requests", "Requests come too fast"),
    errors.QuotaExceeded: (429, "quota-exceeded", "A quota of the API key is used up"),
    errors.UploadNotFound: (404, "upload-not-found", "No such upload"),
    errors.Conflict: (409, "conflict", "The request contradicts what is stored"),
    errors.LineageExists: (409, "lineage-exists", "The lineage exists already"),
    errors.MergeEnded: (409, "merge-ended", "The merge has ended"),
    errors.IntentBusy: (409, "idempotency-key-busy", "A request with this Idempotency-Key is under way"),
    errors.AliasChanged: (412, "alias-changed", "The alias was changed by somebody else"),
    errors.WeightsChanged: (412, "weights-changed", "The weights are not those asked for"),
    errors.RangeOutside: (416, "range-outside", "The range lies outside the file"),
    errors.UploadBusy: (423, "upload-busy", "The upload is being sent by another request"),
    errors.OffsetMismatch: (409, "offset-mismatch", "The bytes do not begin where the upload ended"),
    errors.VersionRetired: (410, "version-retired", "The version was retired"),
    errors.InvalidInput: (422, "invalid-input", "The input cannot be used"),
    errors.IntentDiffers: (422, "idempotency-key-reused", "This Idempotency-Key was used for something else"),
    errors.InvalidRecord: (422, "invalid-document", "The JSON document is not valid"),
    errors.UnknownArchitecture: (422, "unknown-architecture", "No such architecture"),
    errors.ArchitectureMismatch: (422, "architecture-mismatch", "The base is not of this architecture"),
    errors.MethodUnavailable: (422, "method-unavailable", "This lineage cannot run this method"),
    errors.NotSafetensors: (422, "not-safetensors", "Not a well-formed safetensors file"),
    errors.PickleRefused: (422, "pickle-refused", "Pickles are never accepted"),
    errors.TensorMismatch: (422, "tensor-mismatch", "The checkpoint does not match the lineage's base"),
    errors.CalibrationInvalid: (422, "calibration-invalid", "The calibration sample cannot be used"),
    errors.MalformedUpload: (400, "malformed-upload", "The upload is not as it should be"),
    errors.EncodingUnsupported: (415, "encoding-unsupported", "Encoded bodies are not taken"),
    errors.MediaTypeUnsupported: (415, "media-type-unsupported", "Bodies of this type are not taken"),
    errors.TusVersionUnsupported: (412, "tus-version", "This version of tus is not spoken here"),
    errors.TooLarge: (413, "too-large", "A limit was passed"),
    errors.DigestMismatch: (422, "digest-mismatch", "The bytes are not those that were promised"),
    errors.ChecksumMismatch: (460, "checksum-mismatch", "The bytes were damaged on their way"),
    errors.TooManyUploads: (429, "too-many-uploads", "Too many uploads are open"),
    errors.SenderTooSlow: (408, "sender-too-slow", "The body stopped coming"),
    errors.StorageFull: (507, "storage-full", "The disk is full"),
    errors.StoreUnavailable: (503, "store-unavailable", "The state store does not answer"),
    errors.Overloaded: (503, "overloaded", "Too much is asked at once"),
    errors.LeaseLost: (409, "lease-lost", "The merge belongs to another worker"),
}
"""Class -> status, type (the last step of the problem's `type`), title."""

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> JSONResponse:
    """A problem+json answer. `more` are extension members."""
    body = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, **more}
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse(body, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)


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
    return answer_to(error)


def answer_to(error: errors.OdemError) -> JSONResponse:
    """The answer that an error of the core becomes."""
    status, kind, title = ANSWERS[type(error)]
    more = {"differences": list(error.differences[:100])} if isinstance(error, errors.TensorMismatch) else {}
    answer = problem(status, kind, title, str(error), **more)
    if (challenge := _challenge(error)) is not None:
        answer.headers["WWW-Authenticate"] = challenge
    if isinstance(error, errors.RangeOutside):
        answer.headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, errors.TooManyRequests | errors.IntentBusy):
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
    request_id = visit_of(request.scope).request_id
    _log.error("%s %s failed (%s)", request.method, request.url.path, request_id, exc_info=error)
    answer = problem(
        500, "internal", "The service made a mistake", "The error was logged. Nothing was stored by this request."
    )
    answer.headers["X-Request-Id"] = request_id
    return answer
