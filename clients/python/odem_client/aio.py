"""The asyncio client: the same methods as coroutines. File work runs in threads."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from odem_client.client import (
    COMPARING,
    DEFAULT_LINEAGE,
    Odem,
    event_headers,
    event_timeout,
    id_of,
    left,
    options,
    succeeded,
)
from odem_client.digests import Progress, nothing
from odem_client.downloads import Pulled
from odem_client.errors import OdemError, Unavailable, Unreachable
from odem_client.events import ENDED, Event, EventReader, ends
from odem_client.generated import AuthenticatedClient
from odem_client.generated.api.lineages import (
    branch_lineage,
    delete_alias,
    get_alias,
    get_lineage,
    list_aliases,
    list_lineages,
    put_alias,
    roll_back,
)
from odem_client.generated.api.merges import cancel_merge, get_merge, join_lineage, list_merges, remove_task
from odem_client.generated.api.models import get_version, list_versions
from odem_client.generated.models import (
    AliasPage,
    AliasTarget,
    AliasView,
    BranchRequest,
    DiffView,
    JoinRequest,
    LineagePage,
    LineageView,
    MergePage,
    MergeView,
    RemovalRequest,
    RollbackRequest,
    Task,
    VersionPage,
    VersionView,
)
from odem_client.generated.types import UNSET
from odem_client.http import AsyncHttp, unreachable
from odem_client.requests import Document, is_digest, lineage_spec, merge_request, only
from odem_client.retries import Retries

T = TypeVar("T")


class AsyncOdem:
    """A client for the service at `url`, for asyncio; see `Odem` for its methods. Close it after use.

    A cancelled upload or download stops at its next chunk; the same call resumes it later.
    """

    def __init__(self, url: str, key: str | None = None, *, retries: Retries | None = None, timeout: float = 60.0):
        self.retries = retries or Retries()
        self._http = AsyncHttp(self.retries, **options(url, key, timeout))
        self.api = AuthenticatedClient(base_url=url, token=key or "").set_async_httpx_client(self._http)
        self._files = Odem(url, key, retries=self.retries, timeout=timeout)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        self._files.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    # Blobs

    async def upload(self, path: str | Path, progress: Progress = nothing) -> str:
        """Upload a safetensors file unless the service has it; returns its digest."""
        return await _in_thread(lambda report: self._files.upload(path, report), progress)

    async def has(self, digest: str) -> bool:
        """Whether the service has a blob."""
        return await asyncio.to_thread(self._files.has, digest)

    # Lineages

    async def create_lineage(
        self,
        name: str = DEFAULT_LINEAGE,
        *,
        base: str | Path,
        architecture: str | Document | None = None,
        progress: Progress = nothing,
        **more: Any,
    ) -> LineageView:
        """Create a lineage from a base: a file, which is uploaded, or the digest of a blob."""
        spec = lineage_spec(name, await self._digest(base, progress), architecture, more)
        return LineageView.from_dict((await self._http.post("/lineages", json=spec)).json())

    async def lineages(self) -> list[LineageView]:
        """All lineages, by name."""
        result: list[LineageView] = []
        cursor: str | None = ""
        while cursor is not None:
            page = only(LineagePage, await list_lineages.asyncio(client=self.api, limit=1000, cursor=cursor or UNSET))
            result += page.lineages
            cursor = page.next_
        return result

    async def lineage(self, name: str = DEFAULT_LINEAGE) -> LineageView:
        """One lineage."""
        return only(LineageView, await get_lineage.asyncio(name, client=self.api))

    async def branch(self, lineage: str, name: str, version: str = "latest") -> LineageView:
        """Create a lineage that starts from a version of another one."""
        body = BranchRequest(name=name, version=version)
        return only(LineageView, await branch_lineage.asyncio(lineage, client=self.api, body=body))

    async def rollback(self, lineage: str, version: str) -> VersionView:
        """Create a new version that repeats an older one."""
        body = RollbackRequest(version=version)
        return only(VersionView, await roll_back.asyncio(lineage, client=self.api, body=body))

    async def aliases(self, lineage: str = DEFAULT_LINEAGE) -> list[AliasView]:
        """A lineage's aliases, by name."""
        result: list[AliasView] = []
        cursor: str | None = ""
        while cursor is not None:
            page = only(
                AliasPage, await list_aliases.asyncio(lineage, client=self.api, limit=1000, cursor=cursor or UNSET)
            )
            result += page.aliases
            cursor = page.next_
        return result

    async def alias(self, lineage: str, alias: str) -> AliasView:
        """Which version an alias names."""
        return only(AliasView, await get_alias.asyncio(lineage, alias, client=self.api))

    async def set_alias(self, lineage: str, alias: str, version: str) -> AliasView:
        """Create or move an alias; the version is a number, `latest` or another alias."""
        body = AliasTarget(version=version)
        return only(AliasView, await put_alias.asyncio(lineage, alias, client=self.api, body=body))

    async def delete_alias(self, lineage: str, alias: str) -> None:
        """Delete an alias."""
        await delete_alias.asyncio(lineage, alias, client=self.api)

    # Merges

    async def merge(
        self,
        checkpoint: str | Path,
        *,
        task: str | Document | Task,
        calibration: str | Path | None = None,
        lineage: str = DEFAULT_LINEAGE,
        recipe: str | Document | None = None,
        gate: Document | None = None,
        labels: Mapping[str, str] | None = None,
        progress: Progress = nothing,
    ) -> MergeView:
        """Queue a merge of a fine-tuned checkpoint into a lineage's head; returns the queued merge."""
        request = merge_request(
            await self._digest(checkpoint, progress),
            None if calibration is None else await self._digest(calibration, progress),
            task=task,
            lineage=lineage,
            recipe=recipe,
            gate=gate,
            labels=labels,
        )
        return MergeView.from_dict((await self._http.post("/merge", json=request)).json())

    async def remove_task(self, lineage: str, task: str, checkpoint: str | None = None) -> MergeView:
        """Queue a merge that takes a task out of a lineage's head exactly; returns the queued merge.

        checkpoint: digest that the task's checkpoint must have, if given.
        """
        body = RemovalRequest(checkpoint=checkpoint)
        return only(MergeView, await remove_task.asyncio(lineage, task, client=self.api, body=body))

    async def join(self, lineage: str, other: str, version: str = "latest") -> MergeView:
        """Queue a merge that adds all tasks of another lineage's version to a lineage's head; returns the merge."""
        body = JoinRequest(lineage=other, version=version)
        return only(MergeView, await join_lineage.asyncio(lineage, client=self.api, body=body))

    async def recompute(self, lineage: str, recipe: str | Document) -> MergeView:
        """Queue a merge that computes a lineage's head anew from its state; returns the merge.

        recipe: fields that differ from the lineage's, or a method's name.
        """
        body = {"recipe": {"method": recipe} if isinstance(recipe, str) else dict(recipe)}
        return MergeView.from_dict((await self._http.post(f"/lineages/{lineage}/recomputation", json=body)).json())

    async def merge_view(self, merge: str | MergeView) -> MergeView:
        """The current state of a merge."""
        return only(MergeView, await get_merge.asyncio(id_of(merge), client=self.api))

    async def merges(self, lineage: str = DEFAULT_LINEAGE) -> AsyncIterator[MergeView]:
        """A lineage's merges, newest first, without their reports."""
        cursor: str | None = None
        while True:
            asked = UNSET if cursor is None else cursor
            page = only(MergePage, await list_merges.asyncio(client=self.api, lineage=lineage, cursor=asked))
            for merge in page.merges:
                yield merge
            cursor = page.next_
            if cursor is None:
                return

    async def cancel(self, merge: str | MergeView) -> MergeView:
        """Cancel a merge: a queued one at once, a running one at its next step."""
        return only(MergeView, await cancel_merge.asyncio(id_of(merge), client=self.api))

    def watch(self, merge: str | MergeView, last_id: str | None = None) -> AsyncIterator[Event]:
        """A merge's events: present state, changes, progress. Ends after the final state."""
        return self._events(f"/merges/{id_of(merge)}/events", last_id, None)

    def watch_lineage(self, lineage: str = DEFAULT_LINEAGE, last_id: str | None = None) -> AsyncIterator[Event]:
        """A lineage's events; never ends."""
        return self._events(f"/lineages/{lineage}/events", last_id, None)

    async def wait(
        self,
        merge: str | MergeView,
        timeout: float | None = None,  # noqa: ASYNC109  the same meaning as in the other client
        on_event: Callable[[Event], object] | None = None,
    ) -> MergeView:
        """Wait until a merge has ended, and return it with its report. Raises as `Odem.wait` does."""
        end = None if timeout is None else time.monotonic() + timeout
        with contextlib.suppress(Unavailable, Unreachable):
            async for event in self._events(f"/merges/{id_of(merge)}/events", None, end):
                if on_event is not None:
                    on_event(event)
        pause = 0.2
        while (view := await self.merge_view(merge)).state not in ENDED:
            await asyncio.sleep(min(pause, left(end)))
            pause = min(pause * 1.5, 10.0)
        return succeeded(view)

    # Versions

    async def version(self, reference: str = "latest") -> VersionView:
        """A version's record: `name@3`, `name@latest`, `name@alias`; without `name@`, the lineage `default`."""
        return only(VersionView, await get_version.asyncio(reference, client=self.api))

    async def versions(self, lineage: str = DEFAULT_LINEAGE) -> AsyncIterator[VersionView]:
        """A lineage's versions, newest first, without their reports."""
        cursor: str | None = None
        while True:
            asked = UNSET if cursor is None else cursor
            page = only(VersionPage, await list_versions.asyncio(client=self.api, lineage=lineage, cursor=asked))
            for version in page.versions:
                yield version
            cursor = page.next_
            if cursor is None:
                return

    async def diff(self, older: str, newer: str = "latest") -> DiffView:
        """What changed between two versions; slow for large ones."""
        response = await self._http.get(f"/models/{older}/diff/{newer}", timeout=COMPARING)
        return DiffView.from_dict(response.json())

    async def open_clip_config(self, reference: str = "latest") -> dict[str, Any]:
        """A version's open_clip_config.json: the model's config and its preprocessing."""
        result: dict[str, Any] = (await self._http.get(f"/models/{reference}/open_clip_config.json")).json()
        return result

    async def pull(
        self, version: str | VersionView = "latest", folder: str | Path = ".", progress: Progress = nothing
    ) -> Pulled:
        """Download a version's weights and open_clip config into a folder, verified. Resumes interrupted downloads."""
        return await _in_thread(lambda report: self._files.pull(version, folder, report), progress)

    async def _digest(self, blob: str | Path, progress: Progress) -> str:
        if is_digest(blob):
            return str(blob)
        return await self.upload(blob, progress)

    async def _events(self, path: str, last_id: str | None, end: float | None) -> AsyncIterator[Event]:
        reader, attempt = EventReader(last_id), 0
        while True:
            try:
                headers = event_headers(reader)
                async with self._http.stream("GET", path, headers=headers, timeout=event_timeout(end)) as response:
                    if response.status_code == 204:
                        return
                    async for line in response.aiter_lines():
                        left(end)
                        event = reader.take(line)
                        if event is not None:
                            attempt = 0
                            yield event
                            if ends(event) and path.startswith("/merges/"):
                                return
            except httpx.TransportError as error:
                attempt += 1
                pause = self.retries.wait(attempt)
                if pause is None:
                    raise unreachable(error) from error
                await asyncio.sleep(min(pause, left(end)))
            reader.forget()


async def _in_thread(work: Callable[[Progress], T], progress: Progress) -> T:
    """Run file work in a thread that stops when the calling task is cancelled."""
    stopped = threading.Event()

    def report(phase: str, done: int, total: int) -> None:
        if stopped.is_set():
            raise OdemError("cancelled")
        progress(phase, done, total)

    try:
        return await asyncio.to_thread(work, report)
    except asyncio.CancelledError:
        stopped.set()
        raise
