from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.merge_view import MergeView
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    merge_id: str,
    *,
    prefer: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(prefer, Unset):
        headers["prefer"] = prefer

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/merges/{merge_id}".format(
            merge_id=quote(str(merge_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MergeView | Problem | None:
    if response.status_code == 200:
        response_200 = MergeView.from_dict(response.json())

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
) -> Response[MergeView | Problem]:
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
    prefer: str | Unset = UNSET,
) -> Response[MergeView | Problem]:
    """Get Merge

     Get a merge: state, live progress, and at its end the report or the problem.

    Args:
        merge_id (str):
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergeView | Problem]
    """

    kwargs = _get_kwargs(
        merge_id=merge_id,
        prefer=prefer,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    prefer: str | Unset = UNSET,
) -> MergeView | Problem | None:
    """Get Merge

     Get a merge: state, live progress, and at its end the report or the problem.

    Args:
        merge_id (str):
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergeView | Problem
    """

    return sync_detailed(
        merge_id=merge_id,
        client=client,
        prefer=prefer,
    ).parsed


async def asyncio_detailed(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    prefer: str | Unset = UNSET,
) -> Response[MergeView | Problem]:
    """Get Merge

     Get a merge: state, live progress, and at its end the report or the problem.

    Args:
        merge_id (str):
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergeView | Problem]
    """

    kwargs = _get_kwargs(
        merge_id=merge_id,
        prefer=prefer,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    merge_id: str,
    *,
    client: AuthenticatedClient,
    prefer: str | Unset = UNSET,
) -> MergeView | Problem | None:
    """Get Merge

     Get a merge: state, live progress, and at its end the report or the problem.

    Args:
        merge_id (str):
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergeView | Problem
    """

    return (
        await asyncio_detailed(
            merge_id=merge_id,
            client=client,
            prefer=prefer,
        )
    ).parsed
