from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.gap_event import GapEvent
from ...models.problem import Problem
from ...models.progress_event import ProgressEvent
from ...models.state_event import StateEvent
from ...models.version_event import VersionEvent
from ...types import UNSET, Response, Unset


def _get_kwargs(
    merge_id: str,
    *,
    last_event_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = last_event_id

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/merges/{merge_id}/events".format(
            merge_id=quote(str(merge_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem | None:
    if response.status_code == 200:

        def _parse_response_200(
            data: object,
        ) -> GapEvent | ProgressEvent | StateEvent | VersionEvent:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_merge_event_type_0 = StateEvent.from_dict(data)

                return componentsschemas_merge_event_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_merge_event_type_1 = ProgressEvent.from_dict(data)

                return componentsschemas_merge_event_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_merge_event_type_2 = VersionEvent.from_dict(data)

                return componentsschemas_merge_event_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_merge_event_type_3 = GapEvent.from_dict(data)

            return componentsschemas_merge_event_type_3

        response_200 = _parse_response_200(response.text)

        return response_200

    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 421:
        response_421 = Problem.from_dict(response.json())

        return response_421

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> Response[Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem]:
    """Watch Merge

     Stream a merge's state, then its changes, progress and version; ends after the terminal state.

    Args:
        merge_id (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem]
    """

    kwargs = _get_kwargs(
        merge_id=merge_id,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem | None:
    """Watch Merge

     Stream a merge's state, then its changes, progress and version; ends after the terminal state.

    Args:
        merge_id (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem
    """

    return sync_detailed(
        merge_id=merge_id,
        client=client,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> Response[Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem]:
    """Watch Merge

     Stream a merge's state, then its changes, progress and version; ends after the terminal state.

    Args:
        merge_id (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem]
    """

    kwargs = _get_kwargs(
        merge_id=merge_id,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem | None:
    """Watch Merge

     Stream a merge's state, then its changes, progress and version; ends after the terminal state.

    Args:
        merge_id (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | GapEvent | ProgressEvent | StateEvent | VersionEvent | Problem
    """

    return (
        await asyncio_detailed(
            merge_id=merge_id,
            client=client,
            last_event_id=last_event_id,
        )
    ).parsed
