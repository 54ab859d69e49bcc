"""`python -m registry.admin audit`: who did what, and who was refused."""

import argparse
import itertools
import sys
from datetime import timedelta

from registry.audit import AuditEntry
from registry.base_record import now
from registry.state.audit import AuditRepository


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be written after `audit`."""
    parser.add_argument("--refusals", action="store_true", help="who was refused, in place of what was done")
    parser.add_argument("--key", help="of this key only, by id")
    parser.add_argument("--action", help="of this operation only, such as createMerge")
    parser.add_argument("--thing", help="whose thing has these words in it, such as /lineages/default")
    parser.add_argument("--request-id", help="of this request only")
    parser.add_argument("--hours", type=float, help="of the last hours only")
    parser.add_argument("--limit", type=int, default=100, help="the newest this many (default 100)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(log: AuditRepository, arguments: argparse.Namespace) -> int:
    """Print the entries that are asked for, the newest last. Raises StoreUnavailable."""
    since = None if arguments.hours is None else now() - timedelta(hours=arguments.hours)
    entries = log.read(refused=arguments.refusals, since=since)
    fitting = (entry for entry in entries if _fits(entry, arguments))
    for entry in reversed(list(itertools.islice(fitting, max(0, arguments.limit)))):
        sys.stdout.write(f"{entry.model_dump_json() if arguments.json else _line(entry)}\n")
    return 0


def _fits(entry: AuditEntry, arguments: argparse.Namespace) -> bool:
    return (
        arguments.key in (None, entry.key)
        and arguments.action in (None, entry.action)
        and arguments.request_id in (None, entry.request_id)
        and (arguments.thing or "") in entry.thing
    )


def _line(entry: AuditEntry) -> str:
    when = entry.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    who = f"{entry.key} ({entry.name})" if entry.key else "no key"
    return f"{when}Z  {entry.status}  {entry.action}  {entry.thing}  {who}  from {entry.address}  {entry.request_id}"
