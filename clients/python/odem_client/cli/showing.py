"""Terminal output: tables, progress bars and messages, and JSON for scripts. Bars and messages go to stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from odem_client.digests import Progress as ProgressCallback
from odem_client.digests import nothing
from odem_client.events import Event
from odem_client.generated.models import MergeView, ProgressEvent, StateEvent, VersionEvent
from odem_client.generated.types import Unset

_WORDS = {"hashing": "Reading", "sending": "Sending", "receiving": "Receiving", "reading": "Resizing"}


class Document(Protocol):
    """The interface of generated models."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        ...


def errors() -> Console:
    """The console on stderr."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a message on stderr."""
    errors().print(escape(text))


def print_json(document: Document | Sequence[Document] | dict[str, Any]) -> None:
    """Print a result for scripts: one JSON document on stdout."""
    if isinstance(document, dict):
        plain: Any = document
    elif isinstance(document, Sequence):
        plain = [item.to_dict() for item in document]
    else:
        plain = document.to_dict()
    sys.stdout.write(json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table on stdout, or the message `empty` on stderr."""
    cells = [[_cell(value) for value in row] for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        # Users copy the first column into other commands, so it is never wrapped or shortened.
        widest = max((len(row[0]) for row in cells), default=0)
        table.add_column(column, min_width=0 if number else widest, no_wrap=not number)
    for row in cells:
        table.add_row(*map(escape, row))
    if cells:
        Console(highlight=False, width=None if sys.stdout.isatty() else 1000).print(table)
    else:
        say(empty)


def _cell(value: object) -> str:
    if value is None or isinstance(value, Unset):
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def size(count: int) -> str:
    """A number of bytes in readable units."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


@contextmanager
def transfer_bars(what: str, *, quiet: bool, counted: bool = False) -> Iterator[ProgressCallback]:
    """Progress bars for the phases of a transfer, in bytes, or in items if `counted`."""
    console = errors()
    if quiet or not console.is_terminal:
        yield nothing
        return
    amounts = (MofNCompleteColumn(),) if counted else (DownloadColumn(), TransferSpeedColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *amounts)
    with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
        ids: dict[str, TaskID] = {}

        def show_phase(phase: str, done: int, total: int) -> None:
            if phase not in ids:
                ids[phase] = bars.add_task(f"{_WORDS[phase]} {escape(what)}", total=total)
            bars.update(ids[phase], completed=done, total=total)

        yield show_phase


@contextmanager
def merge_bar(*, quiet: bool) -> Iterator[Callable[[Event], None]]:
    """A progress bar along a merge's path; without a terminal, one line for each change of state."""
    console = errors()
    if quiet:
        yield lambda _: None
    elif not console.is_terminal:
        yield lambda event: say(line(event)) if not isinstance(event, ProgressEvent) else None
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        with Progress(*columns, console=console) as bars:
            bar = bars.add_task("waiting for a worker", total=None)

            def show_event(event: Event) -> None:
                if isinstance(event, ProgressEvent):
                    done, total = event.progress.t, event.progress.T
                    if isinstance(done, int | float) and isinstance(total, int | float):
                        bars.update(bar, description=escape(event.progress.phase), completed=done, total=total)
                    else:
                        bars.update(bar, description=escape(event.progress.phase))
                elif isinstance(event, StateEvent):
                    bars.update(bar, description=event.state.value)
                    if event.state.value == "succeeded":
                        bars.update(bar, completed=1.0, total=1.0)

            yield show_event


def line(event: Event) -> str:
    """An event as one line of text."""
    if isinstance(event, StateEvent):
        detail = f": {event.problem.detail}" if event.problem else ""
        made = f", created {event.version}" if event.version else ""
        return f"{event.merge} is {event.state.value}{made}{detail}"
    if isinstance(event, VersionEvent):
        return f"{event.version} was created" + (f" from {event.origin}" if event.origin else "")
    if isinstance(event, ProgressEvent):
        return f"{event.merge}: {event.progress.phase}"
    return getattr(event, "detail", None) or f"head is {getattr(event, 'head', '?')}"


def summary(merge: MergeView) -> None:
    """Print a succeeded merge: its version, and accuracy per task before and after."""
    say(f"{merge.id} {merge.state.value}" + (f": {merge.version}" if merge.version else ""))
    report = None if isinstance(merge.report, Unset) or merge.report is None else merge.report.to_dict()
    tasks = (report or {}).get("tasks") or {}
    if isinstance(tasks, dict) and tasks:
        moments = ("before", "checkpoint", "after")
        rows = [(name, *(_accuracy(scores, when) for when in moments)) for name, scores in tasks.items()]
        print_table(("accuracy on", *moments), rows, "")


def _accuracy(scores: dict[str, Any], when: str) -> str:
    accuracy = (scores.get(when) or {}).get("accuracy")
    return "-" if accuracy is None else f"{accuracy:.1%}"
