from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.merge_page import MergePage
from ...models.merge_state import MergeState
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    lineage: str | Unset = "default",
    state: list[MergeState] | Unset = UNSET,
    task: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["lineage"] = lineage

    json_state: list[str] | Unset = UNSET
    if not isinstance(state, Unset):
        json_state = []
        for state_item_data in state:
            state_item = state_item_data.value
            json_state.append(state_item)

    params["state"] = json_state

    params["task"] = task

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/merges",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MergePage | Problem | None:
    if response.status_code == 200:
        response_200 = MergePage.from_dict(response.json())

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
) -> Response[MergePage | Problem]:
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
    state: list[MergeState] | Unset = UNSET,
    task: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Response[MergePage | Problem]:
    """List Merges

     List a lineage's merges, newest first, without their reports. A filtered page may be short and not
    the last.

    Args:
        lineage (str | Unset): The lineage whose merges to list. Default: 'default'.
        state (list[MergeState] | Unset): Only merges in one of these states.
        task (str | Unset): Only merges of this task.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergePage | Problem]
    """

    kwargs = _get_kwargs(
        lineage=lineage,
        state=state,
        task=task,
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
    state: list[MergeState] | Unset = UNSET,
    task: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> MergePage | Problem | None:
    """List Merges

     List a lineage's merges, newest first, without their reports. A filtered page may be short and not
    the last.

    Args:
        lineage (str | Unset): The lineage whose merges to list. Default: 'default'.
        state (list[MergeState] | Unset): Only merges in one of these states.
        task (str | Unset): Only merges of this task.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergePage | Problem
    """

    return sync_detailed(
        client=client,
        lineage=lineage,
        state=state,
        task=task,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    lineage: str | Unset = "default",
    state: list[MergeState] | Unset = UNSET,
    task: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> Response[MergePage | Problem]:
    """List Merges

     List a lineage's merges, newest first, without their reports. A filtered page may be short and not
    the last.

    Args:
        lineage (str | Unset): The lineage whose merges to list. Default: 'default'.
        state (list[MergeState] | Unset): Only merges in one of these states.
        task (str | Unset): Only merges of this task.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergePage | Problem]
    """

    kwargs = _get_kwargs(
        lineage=lineage,
        state=state,
        task=task,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    lineage: str | Unset = "default",
    state: list[MergeState] | Unset = UNSET,
    task: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
) -> MergePage | Problem | None:
    """List Merges

     List a lineage's merges, newest first, without their reports. A filtered page may be short and not
    the last.

    Args:
        lineage (str | Unset): The lineage whose merges to list. Default: 'default'.
        state (list[MergeState] | Unset): Only merges in one of these states.
        task (str | Unset): Only merges of this task.
        limit (int | Unset): Page size; ODEM_PAGE_SIZE by default.
        cursor (str | Unset): `next` of the page before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergePage | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            lineage=lineage,
            state=state,
            task=task,
            limit=limit,
            cursor=cursor,
        )
    ).parsed
