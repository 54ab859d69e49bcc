"""Every route of the app, as a request that can be made of things of one's own, of others', and of none."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Things:
    """What a request may name."""

    lineage: str
    merge: str
    blob: str
    version: str
    alias: str = "production"
    new: str = "fresh"
    upload: str = "0" * 32
    webhook: str = "whk_0"


@dataclass(frozen=True)
class Case:
    """A route: the request, and its answers.

    scope: what it needs. own: the status for one's own things. others: that for others' things and for none, which must
    not be told apart; None where the request names nothing.
    """

    path: str
    scope: str
    own: int = 200
    others: int | None = 404
    body: dict[str, Any] | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, things: Things) -> dict[str, Any]:
        """Arguments of httpx's `request`, without the method."""
        return {
            "url": self.path.format(**vars(things)),
            "json": _fill(self.body, things),
            "params": _fill(self.parameters, things),
            "headers": self.headers,
        }


def _fill(value: Any, things: Things) -> Any:
    if isinstance(value, str):
        return value.format(**vars(things))
    if isinstance(value, dict):
        return {key: _fill(item, things) for key, item in value.items()}
    return value


_TUS = {"Tus-Resumable": "1.0.0"}
_PIECE = _TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
_TARGET = {"version": "0"}
_RECEIVER = {"url": "https://receiver.invalid/hook"}
CASES = {
    "POST /merge": Case(
        "/merge", "merge", 202, body={"lineage": "{lineage}", "task": {"name": "t"}, "checkpoint": "{blob}"}
    ),
    "GET /merges": Case("/merges", "read", parameters={"lineage": "{lineage}"}),
    "GET /merges/{merge_id}": Case("/merges/{merge}", "read"),
    "POST /merges/{merge_id}/cancel": Case("/merges/{merge}/cancel", "merge", 202),
    "GET /merges/{merge_id}/events": Case("/merges/{merge}/events", "read"),
    "GET /lineages/{name}/events": Case("/lineages/{lineage}/events", "read"),
    "GET /metrics": Case("/metrics", "read", 403, None),
    "GET /models": Case("/models", "read", parameters={"lineage": "{lineage}"}),
    "GET /models/{version}": Case("/models/{version}", "read"),
    "GET /models/{a}/diff/{b}": Case("/models/{version}/diff/{version}", "read"),
    "GET /models/{version}/weights": Case("/models/{version}/weights", "read"),
    "HEAD /models/{version}/weights": Case("/models/{version}/weights", "read"),
    # The lineages have no architecture, so there is no config; the words differ from those for no version.
    "GET /models/{version}/open_clip_config.json": Case("/models/{version}/open_clip_config.json", "read", 404),
    "POST /blobs": Case("/blobs", "merge", 422, None),
    "HEAD /blobs/{digest}": Case("/blobs/{blob}", "merge"),
    "POST /uploads": Case("/uploads", "merge", 201, None, headers=_TUS | {"Upload-Length": "100"}),
    "HEAD /uploads/{upload_id}": Case("/uploads/{upload}", "merge", headers=_TUS),
    "GET /uploads/{upload_id}": Case("/uploads/{upload}", "merge"),
    "PATCH /uploads/{upload_id}": Case("/uploads/{upload}", "merge", 204, headers=_PIECE),
    "POST /uploads/{upload_id}": Case(
        "/uploads/{upload}", "merge", 204, headers=_PIECE | {"X-HTTP-Method-Override": "PATCH"}
    ),
    "DELETE /uploads/{upload_id}": Case("/uploads/{upload}", "merge", 204, headers=_TUS),
    "POST /lineages": Case(
        "/lineages", "admin", 201, 403, {"name": "{new}", "base": "{blob}", "recipe": {"method": "average"}}
    ),
    "GET /lineages": Case("/lineages", "read", 200, None),
    "GET /lineages/{name}": Case("/lineages/{lineage}", "read"),
    "GET /lineages/{name}/aliases": Case("/lineages/{lineage}/aliases", "read"),
    "PUT /lineages/{name}/aliases/{alias}": Case("/lineages/{lineage}/aliases/{alias}", "admin", body=_TARGET),
    "GET /lineages/{name}/aliases/{alias}": Case("/lineages/{lineage}/aliases/{alias}", "read"),
    "DELETE /lineages/{name}/aliases/{alias}": Case("/lineages/{lineage}/aliases/{alias}", "admin", 204),
    "POST /lineages/{name}/rollback": Case("/lineages/{lineage}/rollback", "admin", 201, body=_TARGET),
    # The base has no tasks: none to remove, to join or to compute anew.
    "POST /lineages/{name}/tasks/{task}/removal": Case("/lineages/{lineage}/tasks/none/removal", "admin", 404),
    "POST /lineages/{name}/join": Case("/lineages/{lineage}/join", "admin", 422, body={"lineage": "{lineage}"}),
    "POST /lineages/{name}/recomputation": Case(
        "/lineages/{lineage}/recomputation", "admin", 422, body={"recipe": {"method": "aswudi"}}
    ),
    "POST /lineages/{name}/branch": Case("/lineages/{lineage}/branch", "admin", 201, body=_TARGET | {"name": "limb"}),
    "PUT /lineages/{name}/pins/{number}": Case("/lineages/{lineage}/pins/0", "admin", 204),
    "DELETE /lineages/{name}/pins/{number}": Case("/lineages/{lineage}/pins/0", "admin", 204),
    "GET /lineages/{name}/retention": Case("/lineages/{lineage}/retention", "read"),
    "PUT /lineages/{name}/retention": Case("/lineages/{lineage}/retention", "admin", body={"keep_last": 5}),
    "DELETE /lineages/{name}/retention": Case("/lineages/{lineage}/retention", "admin", 204),
    "POST /lineages/{name}/retention/apply": Case("/lineages/{lineage}/retention/apply", "admin"),
    "POST /lineages/{name}/webhooks": Case("/lineages/{lineage}/webhooks", "admin", 201, body=_RECEIVER),
    "GET /lineages/{name}/webhooks": Case("/lineages/{lineage}/webhooks", "admin"),
    "GET /lineages/{name}/webhooks/{webhook}": Case("/lineages/{lineage}/webhooks/{webhook}", "admin"),
    "GET /lineages/{name}/webhooks/{webhook}/deliveries": Case(
        "/lineages/{lineage}/webhooks/{webhook}/deliveries", "admin"
    ),
    "POST /lineages/{name}/webhooks/{webhook}/test": Case("/lineages/{lineage}/webhooks/{webhook}/test", "admin"),
    "DELETE /lineages/{name}/webhooks/{webhook}": Case("/lineages/{lineage}/webhooks/{webhook}", "admin", 204),
}
"""Method and path as the app has them. The order is one in which all of them can be asked of one's own things."""

PUBLIC = {"OPTIONS /uploads", "GET /healthz", "GET /readyz", "GET /docs", "GET /docs/{name}"}
