"""Routes are called as planned, and answers written as JSON where they were made."""

import copy
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from service.pipeline.parameters import Plan


def written(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """The same routes; those that answer with a record write it themselves.

    FastAPI would check again a record that was checked when it was made, and, if a thread has made it, in a second one.
    """
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101  routers have no other routes
        made = copy.copy(route)
        made.dependant = copy.copy(route.dependant)
        made.dependant.call = call = _writing(route)
        made.app = request_response(made.get_route_handler())
        if (plan := Plan.of(route)) and _answers_itself(route):
            made.app = _Planned(
                call if inspect.iscoroutinefunction(call) else partial(run_in_threadpool, call), plan, made.app
            )
        yield made


def _answers_itself(route: APIRoute) -> bool:
    """Whether a route answers with a record or a Response, so that nothing is left to FastAPI."""
    model = route.response_model or route.response_class
    return isinstance(model, type) and issubclass(model, BaseModel | Response)


@dataclass(frozen=True)
class _Planned:
    """A route's application. call: the route, which answers with a Response. otherwise: FastAPI's own way."""

    call: Callable[..., Awaitable[Response]]
    plan: Plan
    otherwise: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        values = await self.plan.read(request)
        if values is None:
            await self.otherwise(scope, receive, send)
            return
        answer = await self.call(**values)
        await answer(scope, receive, send)


def _writing(route: APIRoute) -> Callable[..., Any]:
    call = route.endpoint
    if inspect.iscoroutinefunction(call):

        @wraps(call)
        async def write_later(**values: Any) -> Any:
            return _written(route, await call(**values), values)

        return write_later

    @wraps(call)
    def write(**values: Any) -> Any:
        return _written(route, call(**values), values)

    return write


def _written(route: APIRoute, made: Any, values: dict[str, Any]) -> Any:
    if not isinstance(made, BaseModel):
        return made
    # What a route says of its answer: FastAPI merges that into answers which it writes itself only.
    response = route.dependant.response_param_name
    said = values[response] if response else None
    status = (said and said.status_code) or route.status_code or 200
    answer = Response(made.__pydantic_serializer__.to_json(made), status_code=status, media_type="application/json")
    if said is not None:
        answer.headers.raw.extend(said.headers.raw)
    return answer
