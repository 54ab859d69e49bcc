from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.merge_request import MergeRequest
from ...models.merge_view import MergeView
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: MergeRequest,
    task: str | Unset = UNSET,
    lineage: str | Unset = UNSET,
    method: str | Unset = UNSET,
    utility: float | Unset = UNSET,
    calibration: str | Unset = UNSET,
    classname: list[str] | Unset = UNSET,
    template: list[str] | Unset = UNSET,
    label: list[str] | Unset = UNSET,
    prefer: str | Unset = UNSET,
    cancel_after: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(prefer, Unset):
        headers["prefer"] = prefer

    if not isinstance(cancel_after, Unset):
        headers["cancel-after"] = cancel_after

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    params["task"] = task

    params["lineage"] = lineage

    params["method"] = method

    params["utility"] = utility

    params["calibration"] = calibration

    json_classname: list[str] | Unset = UNSET
    if not isinstance(classname, Unset):
        json_classname = classname

    params["classname"] = json_classname

    json_template: list[str] | Unset = UNSET
    if not isinstance(template, Unset):
        json_template = template

    params["template"] = json_template

    json_label: list[str] | Unset = UNSET
    if not isinstance(label, Unset):
        json_label = label

    params["label"] = json_label

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/merge",
        "params": params,
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> MergeView | Problem | None:
    if response.status_code == 200:
        response_200 = MergeView.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = MergeView.from_dict(response.json())

        return response_202

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

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

    if response.status_code == 507:
        response_507 = Problem.from_dict(response.json())

        return response_507

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
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
    task: str | Unset = UNSET,
    lineage: str | Unset = UNSET,
    method: str | Unset = UNSET,
    utility: float | Unset = UNSET,
    calibration: str | Unset = UNSET,
    classname: list[str] | Unset = UNSET,
    template: list[str] | Unset = UNSET,
    label: list[str] | Unset = UNSET,
    prefer: str | Unset = UNSET,
    cancel_after: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[MergeView | Problem]:
    """Create Merge

     Send a fine-tuned checkpoint to be merged into a lineage's head.

    Args:
        task (str | Unset): Raw body only, required: name of the task.
        lineage (str | Unset): Raw body only: the lineage to merge into.
        method (str | Unset): Raw body only: method of the recipe.
        utility (float | Unset): Raw body only: importance of the task.
        calibration (str | Unset): Raw body only: digest of a calibration blob uploaded before.
        classname (list[str] | Unset): Raw body only: class names, in order.
        template (list[str] | Unset): Raw body only: prompt templates.
        label (list[str] | Unset): Raw body only: labels, each `key:value`.
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.
        cancel_after (str | Unset): Cancel the merge unless it has ended after this time, such as
            `90s`, `5m`, `1h30m`.
        idempotency_key (str | Unset):
        body (MergeRequest): The JSON part `merge` of POST /merge, or its JSON body when the blobs
            were uploaded before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergeView | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        task=task,
        lineage=lineage,
        method=method,
        utility=utility,
        calibration=calibration,
        classname=classname,
        template=template,
        label=label,
        prefer=prefer,
        cancel_after=cancel_after,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
    task: str | Unset = UNSET,
    lineage: str | Unset = UNSET,
    method: str | Unset = UNSET,
    utility: float | Unset = UNSET,
    calibration: str | Unset = UNSET,
    classname: list[str] | Unset = UNSET,
    template: list[str] | Unset = UNSET,
    label: list[str] | Unset = UNSET,
    prefer: str | Unset = UNSET,
    cancel_after: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> MergeView | Problem | None:
    """Create Merge

     Send a fine-tuned checkpoint to be merged into a lineage's head.

    Args:
        task (str | Unset): Raw body only, required: name of the task.
        lineage (str | Unset): Raw body only: the lineage to merge into.
        method (str | Unset): Raw body only: method of the recipe.
        utility (float | Unset): Raw body only: importance of the task.
        calibration (str | Unset): Raw body only: digest of a calibration blob uploaded before.
        classname (list[str] | Unset): Raw body only: class names, in order.
        template (list[str] | Unset): Raw body only: prompt templates.
        label (list[str] | Unset): Raw body only: labels, each `key:value`.
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.
        cancel_after (str | Unset): Cancel the merge unless it has ended after this time, such as
            `90s`, `5m`, `1h30m`.
        idempotency_key (str | Unset):
        body (MergeRequest): The JSON part `merge` of POST /merge, or its JSON body when the blobs
            were uploaded before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergeView | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        task=task,
        lineage=lineage,
        method=method,
        utility=utility,
        calibration=calibration,
        classname=classname,
        template=template,
        label=label,
        prefer=prefer,
        cancel_after=cancel_after,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
    task: str | Unset = UNSET,
    lineage: str | Unset = UNSET,
    method: str | Unset = UNSET,
    utility: float | Unset = UNSET,
    calibration: str | Unset = UNSET,
    classname: list[str] | Unset = UNSET,
    template: list[str] | Unset = UNSET,
    label: list[str] | Unset = UNSET,
    prefer: str | Unset = UNSET,
    cancel_after: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[MergeView | Problem]:
    """Create Merge

     Send a fine-tuned checkpoint to be merged into a lineage's head.

    Args:
        task (str | Unset): Raw body only, required: name of the task.
        lineage (str | Unset): Raw body only: the lineage to merge into.
        method (str | Unset): Raw body only: method of the recipe.
        utility (float | Unset): Raw body only: importance of the task.
        calibration (str | Unset): Raw body only: digest of a calibration blob uploaded before.
        classname (list[str] | Unset): Raw body only: class names, in order.
        template (list[str] | Unset): Raw body only: prompt templates.
        label (list[str] | Unset): Raw body only: labels, each `key:value`.
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.
        cancel_after (str | Unset): Cancel the merge unless it has ended after this time, such as
            `90s`, `5m`, `1h30m`.
        idempotency_key (str | Unset):
        body (MergeRequest): The JSON part `merge` of POST /merge, or its JSON body when the blobs
            were uploaded before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[MergeView | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        task=task,
        lineage=lineage,
        method=method,
        utility=utility,
        calibration=calibration,
        classname=classname,
        template=template,
        label=label,
        prefer=prefer,
        cancel_after=cancel_after,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: MergeRequest,
    task: str | Unset = UNSET,
    lineage: str | Unset = UNSET,
    method: str | Unset = UNSET,
    utility: float | Unset = UNSET,
    calibration: str | Unset = UNSET,
    classname: list[str] | Unset = UNSET,
    template: list[str] | Unset = UNSET,
    label: list[str] | Unset = UNSET,
    prefer: str | Unset = UNSET,
    cancel_after: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> MergeView | Problem | None:
    """Create Merge

     Send a fine-tuned checkpoint to be merged into a lineage's head.

    Args:
        task (str | Unset): Raw body only, required: name of the task.
        lineage (str | Unset): Raw body only: the lineage to merge into.
        method (str | Unset): Raw body only: method of the recipe.
        utility (float | Unset): Raw body only: importance of the task.
        calibration (str | Unset): Raw body only: digest of a calibration blob uploaded before.
        classname (list[str] | Unset): Raw body only: class names, in order.
        template (list[str] | Unset): Raw body only: prompt templates.
        label (list[str] | Unset): Raw body only: labels, each `key:value`.
        prefer (str | Unset): `wait=n`: respond when the merge has ended, at the latest after n
            seconds.
        cancel_after (str | Unset): Cancel the merge unless it has ended after this time, such as
            `90s`, `5m`, `1h30m`.
        idempotency_key (str | Unset):
        body (MergeRequest): The JSON part `merge` of POST /merge, or its JSON body when the blobs
            were uploaded before.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        MergeView | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            task=task,
            lineage=lineage,
            method=method,
            utility=utility,
            calibration=calibration,
            classname=classname,
            template=template,
            label=label,
            prefer=prefer,
            cancel_after=cancel_after,
            idempotency_key=idempotency_key,
        )
    ).parsed
