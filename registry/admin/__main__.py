"""Administer the stores: rebuild, verify, collect, retention, manifests, keys, audit."""

import argparse
import sys
from collections.abc import Callable, Sequence

from registry.admin import audit, keys
from registry.admin.restore import rebuild
from registry.admin.settings import AdminSettings
from registry.admin.verify import verify
from registry.blobs.factory import open_byte_stores
from registry.blobs.garbage_collection import collect
from registry.blobs.s3 import S3BlobStore
from registry.errors import OdemError
from registry.manifest import write_due
from registry.state.state_store import StateStore

_DAY = 86_400.0


class _Command:
    """The subcommands; each returns the exit status: 0, or 1 if problems were found."""

    def __init__(self, settings: AdminSettings, state: StateStore) -> None:
        self._root = settings.data_dir
        self._state = state
        stores = open_byte_stores(settings, state.manifests)
        self._blobs, self._manifests = stores.blobs, stores.manifests

    def rebuild(self, _: argparse.Namespace) -> int:
        outcome = rebuild(self._state.manifests, self._manifests, self._blobs)
        for name, count in outcome.restored.items():
            _print(f"restored: {name}, {count} versions")
        for name in outcome.present:
            _print(f"unchanged: {name} exists in the state store")
        return _report(outcome.problems)

    def verify(self, _: argparse.Namespace) -> int:
        return _report(list(verify(self._state, self._manifests, self._blobs)))

    def collect(self, arguments: argparse.Namespace) -> int:
        if isinstance(self._blobs, S3BlobStore) and not arguments.dry_run:
            self._blobs.forget_interrupted()
        result = collect(
            self._root,
            lambda: self._state.manifests.needed_blobs().keys(),
            arguments.grace_seconds,
            dry_run=arguments.dry_run,
            blobs=self._blobs,
        )
        word = "would delete" if arguments.dry_run else "deleted"
        for blob in result.orphans:
            _print(f"{word}: orphan {blob.digest}, {blob.size} bytes")
        for name, size in result.uploads:
            _print(f"{word}: abandoned upload {name}, {size} bytes")
        _print(f"{word} in total: {len(result.orphans) + len(result.uploads)} files, {result.size} bytes")
        return 0

    def retention(self, arguments: argparse.Namespace) -> int:
        names = [arguments.lineage] if arguments.lineage else [item.name for item in self._state.lineages.list()]
        word = "retired" if arguments.apply else "would retire"
        for name in names:
            for number in self._state.retention.retire(name, preview=not arguments.apply):
                _print(f"{word}: {name}@{number}")
        return 0

    def manifests(self, _: argparse.Namespace) -> int:
        _print(f"written: {write_due(self._state.manifests, self._manifests, wait=True)} manifests")
        return 0

    def keys(self, arguments: argparse.Namespace) -> int:
        return keys.run(self._state.api_keys, arguments)

    def audit(self, arguments: argparse.Namespace) -> int:
        return audit.run(self._state.audit, arguments)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _report(problems: Sequence[str]) -> int:
    for problem in problems:
        _print(f"PROBLEM {problem}")
    _print(f"{len(problems)} problems" if problems else "no problems")
    return 1 if problems else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m registry.admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rebuild", help="restore the ledger from its manifests into an empty state store")
    commands.add_parser("verify", help="hash every blob and compare ledger, blobs and manifests")
    commands.add_parser("manifests", help="write manifests that are due; workers do it on their own")
    collecting = commands.add_parser("collect", help="delete orphan blobs and abandoned uploads")
    collecting.add_argument("--dry-run", action="store_true", help="only print what would be deleted")
    collecting.add_argument("--grace-seconds", type=float, default=_DAY, help="keep what is younger (default: one day)")
    retaining = commands.add_parser("retention", help="list versions that the retention rules do not keep")
    retaining.add_argument("--lineage", help="only this lineage")
    retaining.add_argument("--apply", action="store_true", help="retire them; `collect` then deletes their weights")
    audit.add_arguments(commands.add_parser("audit", help="print the audit log"))
    keys.add_arguments(commands.add_parser("keys", help="create, list and revoke API keys"))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str], settings: AdminSettings) -> int:
    """Run one subcommand; returns 2 if a store does not respond or an argument is invalid."""
    parsed = _parse(arguments)
    state = StateStore.open(settings.redis_url)
    try:
        run: Callable[[argparse.Namespace], int] = getattr(_Command(settings, state), parsed.command)
        return run(parsed)
    except OdemError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    finally:
        state.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], AdminSettings.read()))
