"""HTTP clients that retry, add an Idempotency-Key to each POST, and raise this package's errors.

Only requests with a repeatable body are retried here; uploads, whose bodies are streams, retry by themselves.
"""

import asyncio
import contextlib
import time
import uuid
from typing import Any

import httpx

from odem_client.errors import ProblemError, Unreachable
from odem_client.retries import STATUSES, Retries

IDEMPOTENCY_KEY = "Idempotency-Key"


class Http(httpx.Client):
    """An httpx client that raises ProblemError for statuses from 400, and Unreachable without a response."""

    def __init__(self, retries: Retries, **options: Any) -> None:
        super().__init__(**options)
        self._retries = retries

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, with retries."""
        _name(request)
        attempt = 0
        while True:
            attempt += 1
            try:
                response = super().send(request, **options)
                if response.status_code < 400:
                    return response
                try:
                    response.read()
                finally:
                    response.close()
                pause = _pause(self._retries, request, attempt, response)
                if pause is None:
                    raise problem(response)
            except httpx.TransportError as error:
                pause = _pause(self._retries, request, attempt, None)
                if pause is None:
                    raise unreachable(error) from error
            time.sleep(pause)


class AsyncHttp(httpx.AsyncClient):
    """The same for asyncio."""

    def __init__(self, retries: Retries, **options: Any) -> None:
        super().__init__(**options)
        self._retries = retries

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, with retries."""
        _name(request)
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await super().send(request, **options)
                if response.status_code < 400:
                    return response
                try:
                    await response.aread()
                finally:
                    await response.aclose()
                pause = _pause(self._retries, request, attempt, response)
                if pause is None:
                    raise problem(response)
            except httpx.TransportError as error:
                pause = _pause(self._retries, request, attempt, None)
                if pause is None:
                    raise unreachable(error) from error
            await asyncio.sleep(pause)


def _name(request: httpx.Request) -> None:
    if request.method == "POST":
        request.headers.setdefault(IDEMPOTENCY_KEY, str(uuid.uuid4()))


def _pause(retries: Retries, request: httpx.Request, attempt: int, response: httpx.Response | None) -> float | None:
    if not isinstance(request.stream, httpx.ByteStream):
        return None
    if response is None:
        return retries.wait(attempt)
    busy = response.status_code == 409 and "Retry-After" in response.headers  # the same request is in progress
    if response.status_code not in STATUSES and not busy:
        return None
    return retries.wait(attempt, response.headers.get("Retry-After"))


def problem(response: httpx.Response) -> ProblemError:
    """The error for a response whose body has been read."""
    request_id = response.headers.get("X-Request-Id")
    return ProblemError.from_response(response.status_code, response.content, response.reason_phrase, request_id)


def unreachable(error: httpx.TransportError) -> Unreachable:
    """The error for a missing or incomplete response."""
    where = ""
    with contextlib.suppress(RuntimeError):  # httpx does not always record the request
        where = f" from {error.request.url.scheme}://{error.request.url.netloc.decode()}"
    return Unreachable(f"No response{where}: {str(error) or type(error).__name__}")
