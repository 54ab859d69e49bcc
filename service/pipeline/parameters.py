"""What a route is called with, read by a plan that is made once.

FastAPI works out at each request how the parameters of its route are read; of a small request that is a large part. A
plan reads what is right. A request in which something is wrong is left to FastAPI, which says what.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self, get_args, get_origin

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, QueryParams

_SAFE = {"GET", "HEAD"}


class _Wrong(Exception):
    """A parameter is missing or not valid."""


@dataclass(frozen=True)
class _Parameter:
    """One parameter. field: FastAPI's description of it. many: it may come several times."""

    field: Any
    many: bool

    @classmethod
    def of(cls, field: Any) -> Self:
        """The parameter that FastAPI describes so."""
        kinds = (field.field_info.annotation, *get_args(field.field_info.annotation))
        return cls(field, list in {get_origin(kind) for kind in kinds})

    def read(self, given: QueryParams | Headers | dict[str, str]) -> Any:
        """The value, or the default where nothing was given. Raises _Wrong."""
        name = self.field.alias
        value = given.getlist(name) or None if self.many and not isinstance(given, dict) else given.get(name)
        if value is not None:
            value, errors = self.field.validate(value, {}, loc=(name,))
            if errors:
                raise _Wrong
            return value
        if self.field.field_info.is_required():
            raise _Wrong
        return self.field.default


@dataclass(frozen=True)
class Plan:
    """How the parameters of one route are read.

    made: of those that are made from the request alone, name, maker, and what the maker calls the request.
    request, response: what the route calls them, if it wants them.
    """

    path: tuple[_Parameter, ...]
    query: tuple[_Parameter, ...]
    headers: tuple[_Parameter, ...]
    made: tuple[tuple[str, Callable[..., Awaitable[Any]], str], ...]
    request: str | None
    response: str | None

    @classmethod
    def of(cls, route: APIRoute) -> Self | None:
        """The plan of a route; None where it may change something, reads a body or wants what only FastAPI knows."""
        whole = route.dependant
        unknown = whole.body_params or whole.cookie_params or whole.background_tasks_param_name
        if unknown or not set(route.methods or ()) <= _SAFE:
            return None
        made = []
        for part in whole.dependencies:
            maker, deeper = part.call, part.dependencies or part.path_params or part.query_params or part.header_params
            if deeper or not (part.name and part.request_param_name and inspect.iscoroutinefunction(maker)):
                return None
            made.append((part.name, maker, part.request_param_name))
        return cls(
            path=tuple(_Parameter.of(field) for field in whole.path_params),
            query=tuple(_Parameter.of(field) for field in whole.query_params),
            headers=tuple(_Parameter.of(field) for field in whole.header_params),
            made=tuple(made),
            request=whole.request_param_name,
            response=whole.response_param_name,
        )

    async def read(self, request: Request) -> dict[str, Any] | None:
        """What the route is to be called with; None when something is wrong with the request."""
        values: dict[str, Any] = {}
        try:
            for parameter in self.path:
                values[parameter.field.name] = parameter.read(request.path_params)
            for parameter in self.query:
                values[parameter.field.name] = parameter.read(request.query_params)
            for parameter in self.headers:
                values[parameter.field.name] = parameter.read(request.headers)
        except _Wrong:
            return None
        for name, maker, called in self.made:
            values[name] = await maker(**{called: request})
        if self.request:
            values[self.request] = request
        if self.response:
            values[self.response] = _unsaid()
        return values


def _unsaid() -> Response:
    """The answer about which a route has said nothing yet, as FastAPI hands it to routes."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]
    return response
