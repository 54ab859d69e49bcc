from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.problem import Problem
from ...models.version_page import VersionPage
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    lineage: str | Unset = "default",
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["lineage"] = lineage

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/models",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | VersionPage | None:
    if response.status_code == 200:
        response_200 = VersionPage.from_dict(response.json())

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
) -> Response[Problem | VersionPage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    lineage: str | Unset = "default",
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Response[Problem | VersionPage]:
    """List Versions

     List a lineage's versions, newest first, without their reports.

    Args:
        lineage (str | Unset): The lineage whose versions to list. Default: 'default'.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | VersionPage]
    """

    kwargs = _get_kwargs(
        lineage=lineage,
        limit=limit,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    lineage: str | Unset = "default",
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Problem | VersionPage | None:
    """List Versions

     List a lineage's versions, newest first, without their reports.

    Args:
        lineage (str | Unset): The lineage whose versions to list. Default: 'default'.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | VersionPage
    """

    return sync_detailed(
        client=client,
        lineage=lineage,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    lineage: str | Unset = "default",
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Response[Problem | VersionPage]:
    """List Versions

     List a lineage's versions, newest first, without their reports.

    Args:
        lineage (str | Unset): The lineage whose versions to list. Default: 'default'.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | VersionPage]
    """

    kwargs = _get_kwargs(
        lineage=lineage,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    lineage: str | Unset = "default",
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Problem | VersionPage | None:
    """List Versions

     List a lineage's versions, newest first, without their reports.

    Args:
        lineage (str | Unset): The lineage whose versions to list. Default: 'default'.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | VersionPage
    """

    return (
        await asyncio_detailed(
            client=client,
            lineage=lineage,
            limit=limit,
            cursor=cursor,
        )
    ).parsed
