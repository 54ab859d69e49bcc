"""Routes that are called as planned answer as FastAPI's own do, whatever they are asked."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel
from starlette.testclient import TestClient

from registry.merge import MergeState
from service.pipeline.parameters import Plan
from service.pipeline.writing import written


class _Seen(BaseModel):
    name: str
    values: list[str]


async def _maker(request: Request) -> str:
    return request.method


def _router() -> APIRouter:
    router = APIRouter()
    made = Annotated[str, Depends(_maker)]

    @router.get("/things/{name}/{number}")
    async def later(
        name: str,
        number: int,
        request: Request,
        response: Response,
        method: made,
        state: Annotated[list[MergeState] | None, Query()] = None,
        limit: Annotated[int | None, Query(ge=1, le=9)] = None,
        word: str = "none",
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
        if_match: Annotated[str | None, Header()] = None,
    ) -> _Seen:
        response.headers["X-Length"] = str(len(request.url.path))
        given = (number, method, state, limit, word, last_event_id, if_match)
        return _Seen(name=name, values=[repr(value) for value in given])

    @router.get("/needed")
    def now(needed: bool, method: made, response: Response) -> _Seen:
        response.status_code = 203
        return _Seen(name=method, values=[repr(needed)])

    @router.get("/plain")
    def plain() -> Response:
        return Response(b"plain", headers={"X-Plain": "yes"})

    return router


@pytest.fixture(scope="module")
def apps() -> tuple[TestClient, TestClient]:
    """Return FastAPI's own way, and ours."""
    own, planned = FastAPI(), FastAPI()
    own.router.routes.extend(_router().routes)
    planned.router.routes.extend(written(_router().routes))
    return TestClient(own), TestClient(planned)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/things/a%2Fb/3", {}),
        ("/things/a/3?limit=4&word=&state=queued&state=failed", {"Last-Event-ID": "1-2", "If-Match": '"x"'}),
        ("/things/a/3?state=", {}),
        ("/things/a/3?limit=", {}),
        ("/things/a/3?limit=10&state=odd", {"last_event_id": "1"}),
        ("/things/a/3?limit=1&limit=2&word=b&word=c&other=1", {"if_match": "no"}),
        ("/things/a/x?limit=0", {}),
        ("/things/%C3%A9/-1?word=%C3%A9", {}),
        ("/needed", {}),
        ("/needed?needed=yes", {}),
        ("/needed?needed=perhaps", {}),
        ("/plain?x=1", {}),
    ],
)
def test_an_answer_is_the_same_as_fastapis(
    apps: tuple[TestClient, TestClient], path: str, headers: dict[str, str]
) -> None:
    own, planned = (app.get(path, headers=headers) for app in apps)
    assert (planned.status_code, planned.content) == (own.status_code, own.content)
    assert dict(planned.headers) == dict(own.headers)


def test_what_changes_something_or_reads_a_body_has_no_plan() -> None:
    router = APIRouter()

    @router.post("/sent")
    async def sent() -> _Seen:
        return _Seen(name="", values=[])

    @router.get("/body")
    async def body(asked: _Seen) -> _Seen:
        return asked

    assert [Plan.of(route) for route in router.routes] == [None, None]
