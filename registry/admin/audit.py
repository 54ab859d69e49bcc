"""`python -m registry.admin audit`: print the audit log."""

import argparse
import itertools
import sys
from datetime import timedelta

from registry.audit import AuditEntry
from registry.base_record import now
from registry.state.audit import AuditRepository


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `audit`."""
    parser.add_argument("--refusals", action="store_true", help="refused requests instead of changes")
    parser.add_argument("--key", help="only of the key with this id")
    parser.add_argument("--action", help="only of this operation, such as createMerge")
    parser.add_argument("--thing", help="only resources that contain this text, such as /lineages/default")
    parser.add_argument("--request-id", help="only of this request")
    parser.add_argument("--hours", type=float, help="only of the last N hours")
    parser.add_argument("--limit", type=int, default=100, help="at most this many entries, the newest (default 100)")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")


def run(log: AuditRepository, arguments: argparse.Namespace) -> int:
    """Print the matching entries, newest last. Raises StoreUnavailable."""
    since = None if arguments.hours is None else now() - timedelta(hours=arguments.hours)
    entries = log.read(refused=arguments.refusals, since=since)
    matching = (entry for entry in entries if _matches(entry, arguments))
    for entry in reversed(list(itertools.islice(matching, max(0, arguments.limit)))):
        sys.stdout.write(f"{entry.model_dump_json() if arguments.json else _line(entry)}\n")
    return 0


def _matches(entry: AuditEntry, arguments: argparse.Namespace) -> bool:
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
