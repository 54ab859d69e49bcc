"""`python -m registry.admin`: rebuild, verify, collect, retention, manifests, keys, audit."""

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
    """The subcommands; each returns the exit status: 0 when all is well, 1 when something was found wrong."""

    def __init__(self, settings: AdminSettings, state: StateStore) -> None:
        self._root = settings.data_dir
        self._state = state
        places = open_byte_stores(settings, state.manifests)
        self._blobs, self._manifests = places.blobs, places.manifests

    def rebuild(self, _: argparse.Namespace) -> int:
        outcome = rebuild(self._state.manifests, self._manifests, self._blobs)
        for name, count in outcome.restored.items():
            _say(f"restored: {name}, {count} versions")
        for name in outcome.present:
            _say(f"left as it is: {name} is in the state store")
        return _tell(outcome.problems)

    def verify(self, _: argparse.Namespace) -> int:
        return _tell(list(verify(self._state, self._manifests, self._blobs)))

    def collect(self, arguments: argparse.Namespace) -> int:
        if isinstance(self._blobs, S3BlobStore) and not arguments.dry_run:
            self._blobs.forget_interrupted()
        found = collect(
            self._root,
            lambda: self._state.manifests.needed_blobs().keys(),
            arguments.grace_seconds,
            dry_run=arguments.dry_run,
            blobs=self._blobs,
        )
        word = "would delete" if arguments.dry_run else "deleted"
        for blob in found.orphans:
            _say(f"{word}: orphan {blob.digest}, {blob.size} bytes")
        for name, size in found.uploads:
            _say(f"{word}: abandoned upload {name}, {size} bytes")
        _say(f"{word} in all: {len(found.orphans) + len(found.uploads)} files, {found.size} bytes")
        return 0

    def retention(self, arguments: argparse.Namespace) -> int:
        names = [arguments.lineage] if arguments.lineage else [item.name for item in self._state.lineages.list()]
        word = "retired" if arguments.apply else "would retire"
        for name in names:
            for number in self._state.retention.retire(name, preview=not arguments.apply):
                _say(f"{word}: {name}@{number}")
        return 0

    def manifests(self, _: argparse.Namespace) -> int:
        _say(f"written: {write_due(self._state.manifests, self._manifests, wait=True)} manifests")
        return 0

    def keys(self, arguments: argparse.Namespace) -> int:
        return keys.run(self._state.api_keys, arguments)

    def audit(self, arguments: argparse.Namespace) -> int:
        return audit.run(self._state.audit, arguments)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _tell(problems: Sequence[str]) -> int:
    for problem in problems:
        _say(f"PROBLEM {problem}")
    _say(f"{len(problems)} problems" if problems else "all is well")
    return 1 if problems else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m registry.admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rebuild", help="bring the ledger back from its manifests into a state store that lost it")
    commands.add_parser("verify", help="hash every blob, and compare ledger, blobs and manifests")
    commands.add_parser("manifests", help="write the manifests that are due, as workers do by themselves")
    collecting = commands.add_parser("collect", help="delete orphan blobs and abandoned uploads")
    collecting.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    collecting.add_argument(
        "--grace-seconds", type=float, default=_DAY, help="spare what is younger (default: one day)"
    )
    retaining = commands.add_parser("retention", help="say which versions the retention rules give up")
    retaining.add_argument("--lineage", help="of this lineage only")
    retaining.add_argument("--apply", action="store_true", help="retire them; collect then frees their bytes")
    audit.add_arguments(commands.add_parser("audit", help="say who did what, or who was refused"))
    keys.add_arguments(commands.add_parser("keys", help="make, list and revoke API keys"))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str], settings: AdminSettings) -> int:
    """Run one subcommand; 2 when a store does not answer or the arguments are wrong."""
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
