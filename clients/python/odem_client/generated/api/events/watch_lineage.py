from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.gap_event import GapEvent
from ...models.present_event import PresentEvent
from ...models.problem import Problem
from ...models.progress_event import ProgressEvent
from ...models.state_event import StateEvent
from ...models.version_event import VersionEvent
from ...types import UNSET, Response, Unset


def _get_kwargs(
    name: str,
    *,
    last_event_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = last_event_id

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/lineages/{name}/events".format(
            name=quote(str(name), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> (
    GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem | None
):
    if response.status_code == 200:

        def _parse_response_200(
            data: object,
        ) -> GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_lineage_event_type_0 = PresentEvent.from_dict(data)

                return componentsschemas_lineage_event_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_lineage_event_type_1 = StateEvent.from_dict(data)

                return componentsschemas_lineage_event_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_lineage_event_type_2 = ProgressEvent.from_dict(data)

                return componentsschemas_lineage_event_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_lineage_event_type_3 = VersionEvent.from_dict(data)

                return componentsschemas_lineage_event_type_3
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_lineage_event_type_4 = GapEvent.from_dict(data)

            return componentsschemas_lineage_event_type_4

        response_200 = _parse_response_200(response.text)

        return response_200

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
) -> Response[
    GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem
]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    name: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> Response[
    GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem
]:
    """Watch Lineage

     Stream a lineage's head and unfinished merges, then changes: states and progress of merges, new
    versions.

    Args:
        name (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem]
    """

    kwargs = _get_kwargs(
        name=name,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    name: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> (
    GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem | None
):
    """Watch Lineage

     Stream a lineage's head and unfinished merges, then changes: states and progress of merges, new
    versions.

    Args:
        name (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem
    """

    return sync_detailed(
        name=name,
        client=client,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    name: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> Response[
    GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem
]:
    """Watch Lineage

     Stream a lineage's head and unfinished merges, then changes: states and progress of merges, new
    versions.

    Args:
        name (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem]
    """

    kwargs = _get_kwargs(
        name=name,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    name: str,
    *,
    client: AuthenticatedClient,
    last_event_id: str | Unset = UNSET,
) -> (
    GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem | None
):
    """Watch Lineage

     Stream a lineage's head and unfinished merges, then changes: states and progress of merges, new
    versions.

    Args:
        name (str):
        last_event_id (str | Unset): ID of the last event received; the stream continues after it.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        GapEvent | PresentEvent | ProgressEvent | StateEvent | VersionEvent | Problem
    """

    return (
        await asyncio_detailed(
            name=name,
            client=client,
            last_event_id=last_event_id,
        )
    ).parsed
