"""Answers written as JSON where they were made."""

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from fastapi import Response
from fastapi.routing import APIRoute, request_response
from pydantic import BaseModel
from starlette.routing import BaseRoute


def written(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """The same routes; those that run in a thread write their answers there.

    FastAPI would hand a record that was checked when it was made over to a second thread, to check it again.
    """
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101  routers have no other routes
        if inspect.iscoroutinefunction(route.endpoint):
            yield route
            continue
        made = copy.copy(route)
        made.dependant = copy.copy(route.dependant)
        made.dependant.call = _writing(route)
        made.app = request_response(made.get_route_handler())
        yield made


def _writing(route: APIRoute) -> Callable[..., Any]:
    call, response = route.endpoint, route.dependant.response_param_name

    @wraps(call)
    def write(**values: Any) -> Any:
        made = call(**values)
        if not isinstance(made, BaseModel):
            return made
        # What a route says of its answer: FastAPI merges that into answers which it writes itself only.
        said = values[response] if response else None
        status = (said and said.status_code) or route.status_code or 200
        answer = Response(made.__pydantic_serializer__.to_json(made), status_code=status, media_type="application/json")
        if said is not None:
            answer.headers.raw.extend(said.headers.raw)
        return answer

    return write
