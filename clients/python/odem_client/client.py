"""The synchronous client."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from odem_client.digests import Progress, nothing
from odem_client.downloads import Downloader, Pulled
from odem_client.errors import MergeNotSucceeded, Unavailable, Unreachable, WaitTimeout
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
from odem_client.http import Http, unreachable
from odem_client.requests import Document, is_digest, lineage_spec, merge_request, only
from odem_client.retries import Retries
from odem_client.uploads import Notes, Uploader

DEFAULT_LINEAGE = "default"
COMPARING = 600.0
"""Time limit for a comparison of two versions, in seconds."""
SILENCE = 60.0
"""Seconds without a byte after which an event stream counts as dead; the service sends heartbeats more often."""


def options(url: str, key: str | None, timeout: float) -> dict[str, Any]:
    """Options of the HTTP client."""
    headers = {"User-Agent": "odem-client/0.1.0"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return {"base_url": url.rstrip("/"), "headers": headers, "timeout": httpx.Timeout(timeout, connect=10.0)}


class Odem:
    """A client for the service at `url`; `key` is an API key, if required. Use it as a context manager, or close it.

    Every method raises ProblemError if the service refuses the request, and Unreachable without a response. Failures
    that may be temporary are retried according to `retries`. Pass `api` to the generated functions, which cover every
    route.
    """

    def __init__(self, url: str, key: str | None = None, *, retries: Retries | None = None, timeout: float = 60.0):
        self.retries = retries or Retries()
        self._http = Http(self.retries, **options(url, key, timeout))
        self.api = AuthenticatedClient(base_url=url, token=key or "").set_httpx_client(self._http)
        self._uploader = Uploader(self._http, self.retries, Notes())
        self._downloader = Downloader(self._http, self.retries)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # Blobs

    def upload(self, path: str | Path, progress: Progress = nothing) -> str:
        """Upload a safetensors file unless the service has it; returns its digest."""
        return self._uploader.send(Path(path), progress)

    def has(self, digest: str) -> bool:
        """Whether the service has a blob."""
        return self._uploader.has(digest)

    # Lineages

    def create_lineage(
        self,
        name: str = DEFAULT_LINEAGE,
        *,
        base: str | Path,
        architecture: str | Document | None = None,
        progress: Progress = nothing,
        **more: Any,
    ) -> LineageView:
        """Create a lineage from a base: a file, which is uploaded, or the digest of a blob.

        architecture: an open_clip model name, or a document (see docs/reference/api.md). more: recipe, gate,
        calibration_budget, base_utility.
        """
        spec = lineage_spec(name, self._digest(base, progress), architecture, more)
        return LineageView.from_dict(self._http.post("/lineages", json=spec).json())

    def lineages(self) -> list[LineageView]:
        """All lineages, by name."""
        result: list[LineageView] = []
        cursor: str | None = ""
        while cursor is not None:
            page = only(LineagePage, list_lineages.sync(client=self.api, limit=1000, cursor=cursor or UNSET))
            result += page.lineages
            cursor = page.next_
        return result

    def lineage(self, name: str = DEFAULT_LINEAGE) -> LineageView:
        """One lineage."""
        return only(LineageView, get_lineage.sync(name, client=self.api))

    def branch(self, lineage: str, name: str, version: str = "latest") -> LineageView:
        """Create a lineage that starts from a version of another one."""
        body = BranchRequest(name=name, version=version)
        return only(LineageView, branch_lineage.sync(lineage, client=self.api, body=body))

    def rollback(self, lineage: str, version: str) -> VersionView:
        """Create a new version that repeats an older one."""
        body = RollbackRequest(version=version)
        return only(VersionView, roll_back.sync(lineage, client=self.api, body=body))

    def aliases(self, lineage: str = DEFAULT_LINEAGE) -> list[AliasView]:
        """A lineage's aliases, by name."""
        result: list[AliasView] = []
        cursor: str | None = ""
        while cursor is not None:
            page = only(AliasPage, list_aliases.sync(lineage, client=self.api, limit=1000, cursor=cursor or UNSET))
            result += page.aliases
            cursor = page.next_
        return result

    def alias(self, lineage: str, alias: str) -> AliasView:
        """Which version an alias names."""
        return only(AliasView, get_alias.sync(lineage, alias, client=self.api))

    def set_alias(self, lineage: str, alias: str, version: str) -> AliasView:
        """Create or move an alias; the version is a number, `latest` or another alias."""
        return only(AliasView, put_alias.sync(lineage, alias, client=self.api, body=AliasTarget(version=version)))

    def delete_alias(self, lineage: str, alias: str) -> None:
        """Delete an alias."""
        delete_alias.sync(lineage, alias, client=self.api)

    # Merges

    def merge(
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
        """Queue a merge of a fine-tuned checkpoint into a lineage's head; returns the queued merge.

        checkpoint, calibration: files, which are uploaded unless the service has them, or digests (`sha256:...`) of
        blobs. task: a document (name, classnames, templates, utility), or just its name. recipe: fields that differ
        from the lineage's, or a method's name.
        """
        request = merge_request(
            self._digest(checkpoint, progress),
            None if calibration is None else self._digest(calibration, progress),
            task=task,
            lineage=lineage,
            recipe=recipe,
            gate=gate,
            labels=labels,
        )
        return MergeView.from_dict(self._http.post("/merge", json=request).json())

    def remove_task(self, lineage: str, task: str, checkpoint: str | None = None) -> MergeView:
        """Queue a merge that takes a task out of a lineage's head exactly; returns the queued merge.

        checkpoint: digest that the task's checkpoint must have, if given.
        """
        body = RemovalRequest(checkpoint=checkpoint)
        return only(MergeView, remove_task.sync(lineage, task, client=self.api, body=body))

    def join(self, lineage: str, other: str, version: str = "latest") -> MergeView:
        """Queue a merge that adds all tasks of another lineage's version to a lineage's head; returns the merge."""
        body = JoinRequest(lineage=other, version=version)
        return only(MergeView, join_lineage.sync(lineage, client=self.api, body=body))

    def recompute(self, lineage: str, recipe: str | Document) -> MergeView:
        """Queue a merge that computes a lineage's head anew from its state; returns the merge.

        recipe: fields that differ from the lineage's, or a method's name.
        """
        body = {"recipe": {"method": recipe} if isinstance(recipe, str) else dict(recipe)}
        return MergeView.from_dict((self._http.post(f"/lineages/{lineage}/recomputation", json=body)).json())

    def merge_view(self, merge: str | MergeView) -> MergeView:
        """The current state of a merge."""
        return only(MergeView, get_merge.sync(id_of(merge), client=self.api))

    def merges(self, lineage: str = DEFAULT_LINEAGE) -> Iterator[MergeView]:
        """A lineage's merges, newest first, without their reports."""
        cursor: str | None = None
        while True:
            asked = UNSET if cursor is None else cursor
            page = only(MergePage, list_merges.sync(client=self.api, lineage=lineage, cursor=asked))
            yield from page.merges
            cursor = page.next_
            if cursor is None:
                return

    def cancel(self, merge: str | MergeView) -> MergeView:
        """Cancel a merge: a queued one at once, a running one at its next step."""
        return only(MergeView, cancel_merge.sync(id_of(merge), client=self.api))

    def watch(self, merge: str | MergeView, last_id: str | None = None) -> Iterator[Event]:
        """A merge's events: present state, changes, progress. Ends after the final state."""
        return self._events(f"/merges/{id_of(merge)}/events", last_id, None)

    def watch_lineage(self, lineage: str = DEFAULT_LINEAGE, last_id: str | None = None) -> Iterator[Event]:
        """A lineage's events; never ends."""
        return self._events(f"/lineages/{lineage}/events", last_id, None)

    def wait(
        self,
        merge: str | MergeView,
        timeout: float | None = None,
        on_event: Callable[[Event], object] | None = None,
    ) -> MergeView:
        """Wait until a merge has ended, and return it with its report. Polls if events are unavailable.

        Raises MergeRejected, MergeFailed or MergeCancelled if it did not succeed, WaitTimeout after `timeout` seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        # Unavailable: too many event streams. Unreachable: also a network that blocks event streams.
        with contextlib.suppress(Unavailable, Unreachable):
            for event in self._events(f"/merges/{id_of(merge)}/events", None, end):
                if on_event is not None:
                    on_event(event)
        pause = 0.2
        while (view := self.merge_view(merge)).state not in ENDED:
            time.sleep(min(pause, left(end)))
            pause = min(pause * 1.5, 10.0)
        return succeeded(view)

    # Versions

    def version(self, reference: str = "latest") -> VersionView:
        """A version's record: `name@3`, `name@latest`, `name@alias`; without `name@`, the lineage `default`."""
        return only(VersionView, get_version.sync(reference, client=self.api))

    def versions(self, lineage: str = DEFAULT_LINEAGE) -> Iterator[VersionView]:
        """A lineage's versions, newest first, without their reports."""
        cursor: str | None = None
        while True:
            asked = UNSET if cursor is None else cursor
            page = only(VersionPage, list_versions.sync(client=self.api, lineage=lineage, cursor=asked))
            yield from page.versions
            cursor = page.next_
            if cursor is None:
                return

    def diff(self, older: str, newer: str = "latest") -> DiffView:
        """What changed between two versions; slow for large ones."""
        response = self._http.get(f"/models/{older}/diff/{newer}", timeout=COMPARING)
        return DiffView.from_dict(response.json())

    def open_clip_config(self, reference: str = "latest") -> dict[str, Any]:
        """A version's open_clip_config.json: the model's config and its preprocessing."""
        result: dict[str, Any] = (self._http.get(f"/models/{reference}/open_clip_config.json")).json()
        return result

    def pull(
        self, version: str | VersionView = "latest", folder: str | Path = ".", progress: Progress = nothing
    ) -> Pulled:
        """Download a version's weights and open_clip config into a folder, verified. Resumes interrupted downloads."""
        view = self.version(version) if isinstance(version, str) else version
        return self._downloader.pull(view, Path(folder), progress)

    def _digest(self, blob: str | Path, progress: Progress) -> str:
        if is_digest(blob):
            return str(blob)
        return self.upload(blob, progress)

    def _events(self, path: str, last_id: str | None, end: float | None) -> Iterator[Event]:
        reader, attempt = EventReader(last_id), 0
        while True:
            try:
                headers = event_headers(reader)
                with self._http.stream("GET", path, headers=headers, timeout=event_timeout(end)) as response:
                    if response.status_code == 204:
                        return
                    for line in response.iter_lines():
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
                time.sleep(min(pause, left(end)))
            reader.forget()


def event_headers(reader: EventReader) -> dict[str, str]:
    """Request headers of an event stream."""
    return {"Accept": "text/event-stream"} | ({"Last-Event-ID": reader.last_id} if reader.last_id else {})


def event_timeout(end: float | None) -> httpx.Timeout:
    """Time limits of an event stream."""
    return httpx.Timeout(min(SILENCE, left(end) + 0.1), connect=10.0)


def left(end: float | None) -> float:
    """Seconds until a time of the monotonic clock. Raises WaitTimeout if it has passed."""
    if end is None:
        return float("inf")
    if (seconds := end - time.monotonic()) <= 0:
        raise WaitTimeout("The merge did not end in time. It goes on.")
    return seconds


def succeeded(view: MergeView) -> MergeView:
    """The ended merge. Raises MergeNotSucceeded unless it succeeded."""
    if view.state.value != "succeeded":
        raise MergeNotSucceeded.from_merge(view)
    return view


def id_of(merge: str | MergeView) -> str:
    """A merge's ID."""
    return merge if isinstance(merge, str) else merge.id
