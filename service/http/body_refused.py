"""The exception for a request body that exceeds a limit while it is read."""

from starlette.exceptions import HTTPException

from registry.errors import OdemError


class BodyRefused(HTTPException):
    """A request body exceeded a limit; `error` says which.

    An HTTPException, because FastAPI turns every other exception raised while it reads a body into a plain 400.
    """

    def __init__(self, error: OdemError) -> None:
        super().__init__(400, str(error))
        self.error = error
