"""OpenAPI documentation of a route, derived from its policy: security, Idempotency-Key, problems."""

from typing import Any

from registry import errors
from service.http.problem_responses import Responses, problem_responses
from service.pipeline.idempotency import MAX_KEY_LENGTH
from service.pipeline.permissions import RoutePolicy

_SECURITY_SCHEME = "key"
SECURITY_SCHEMES = {
    _SECURITY_SCHEME: {"type": "http", "scheme": "bearer", "description": "An API key, where ODEM_AUTH is on."}
}
_AUTHENTICATED = (errors.NotAuthenticated, errors.NotAllowed, errors.TooManyRequests)
_ANY = (errors.HostRefused, errors.OriginRefused, errors.InvalidRecord, errors.StoreUnavailable, errors.OdemError)
_STORING = (errors.StorageFull,)
_IDEMPOTENT = (errors.IdempotencyKeyBusy, errors.IdempotencyKeyReused)
_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A request with the same key creates nothing again: it receives the first response. Use a new key "
    "for each request.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH},
}
_REPLAYED = {"description": "`true`: the response to an earlier request.", "schema": {"type": "string"}}


def document_policy(policy: RoutePolicy, options: dict[str, Any]) -> dict[str, Any]:
    """The options of an APIRoute, with the responses, parameters and security of its policy."""
    extra: dict[str, Any] = dict(options.get("openapi_extra") or {})
    responses: Responses = dict(options.get("responses") or {})
    extra["security"] = [{_SECURITY_SCHEME: [str(policy.scope)]}] if policy.scope else []
    errors = (*policy.raises, *(_AUTHENTICATED if policy.scope else ()))
    errors += _STORING if policy.needs_storage else ()
    errors += _ANY if errors else ()
    if policy.idempotent:
        errors += _IDEMPOTENT
        extra["parameters"] = [*extra.get("parameters", ()), _PARAMETER]
        responses.setdefault(options.get("status_code") or 200, {})
        for status, response in responses.items():
            headers = response.get("headers", {}) | {"Idempotent-Replayed": _REPLAYED}
            responses[status] = response | {"headers": headers}
    return options | {"openapi_extra": extra, "responses": responses | problem_responses(errors)}
