"""What routes work with, built once by `create_app`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from registry.blobs.store import BlobStore
from registry.state.store import StateStore
from service.settings import GatewaySettings


@dataclass(frozen=True)
class Context:
    """The gateway's stores. `ring(lineage)` tells the workers that a lineage has something to do."""

    settings: GatewaySettings
    state: StateStore
    blobs: BlobStore
    ring: Callable[[str], None]


def _context(request: Request) -> Context:
    found = request.app.state.context
    assert isinstance(found, Context)  # noqa: S101  create_app puts it there
    return found


Ctx = Annotated[Context, Depends(_context)]
"""The context, as a route's parameter."""
