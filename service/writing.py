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

    FastAPI would hand a record that was checked when it was made over to a second thread, to check it again. Routes
    that set headers or a status of their own are left to it.
    """
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101  routers have no other routes
        if (
            inspect.iscoroutinefunction(route.endpoint)
            or route.dependant.response_param_name
            or route.status_code is not None
        ):
            yield route
            continue
        made = copy.copy(route)
        made.dependant = copy.copy(route.dependant)
        made.dependant.call = _writing(route.endpoint)
        made.app = request_response(made.get_route_handler())
        yield made


def _writing(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def write(**values: Any) -> Any:
        made = call(**values)
        if not isinstance(made, BaseModel):
            return made
        return Response(made.__pydantic_serializer__.to_json(made), media_type="application/json")

    return write
