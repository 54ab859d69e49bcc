"""What endpoints depend on: the objects that `create_app` built, and the stores and the attempt of the request."""

from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from service.auth.request_state import request_state
from service.auth.scoped_stores import Stores
from service.pipeline.idempotency import Attempt, attempt_of
from service.settings import GatewaySettings

T = TypeVar("T")


class Services:
    """The objects of one gateway, found by their type. `app.state.services` holds it and nothing else."""

    def __init__(self, *built: object) -> None:
        self._built = {type(item): item for item in built}

    def get(self, kind: type[T]) -> T:
        """The object of exactly this type. Raises KeyError."""
        result = self._built[kind]
        assert isinstance(result, kind)  # noqa: S101  objects are kept under their own type
        return result


def services_of(request: Request) -> Services:
    """The services of the gateway that serves a request."""
    services: Services = request.app.state.services
    return services


def service(kind: type) -> Any:
    """A dependency on the service of this type, for `Annotated`."""

    # Asynchronous, although it waits for nothing: FastAPI runs synchronous dependencies in threads.
    async def find(request: Request) -> Any:
        return services_of(request).get(kind)

    return Depends(find)


async def scoped_stores(request: Request) -> Stores:
    """The stores as the request's caller may see them."""
    return services_of(request).get(Stores).scoped_to(request_state(request.scope))


async def current_attempt(request: Request) -> Attempt:
    """The attempt that a request is, under its Idempotency-Key."""
    return attempt_of(request.scope)


ScopedStores = Annotated[Stores, Depends(scoped_stores)]
CurrentAttempt = Annotated[Attempt, Depends(current_attempt)]
Settings = Annotated[GatewaySettings, service(GatewaySettings)]
