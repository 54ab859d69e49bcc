"""What a lineage's owner decides about its versions: aliases, pins, rollback, retention."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from registry.alias import Alias
from registry.base_record import now
from registry.errors import AliasChanged, AliasNotFound, LineageNotFound, VersionNotFound, VersionRetired
from registry.retention import Retention
from registry.state.connection import RedisConnection, answers
from registry.state.keys import LineageKeys
from registry.version import Version

_REMEMBERED_SECONDS = 7 * 86_400
"""Longer than anybody tries again to append what was appended already."""


class RedisAliases(RedisConnection):
    """See StateStore."""

    def list_aliases(self, lineage: str) -> Sequence[Alias]:
        """By name; none for a lineage that is not there."""
        with answers():
            stored = self._redis.hgetall(LineageKeys(lineage).aliases)
        return [_alias(lineage, name, text) for name, text in sorted(stored.items())]

    def get_alias(self, lineage: str, name: str) -> Alias:
        """Raises AliasNotFound."""
        with answers():
            stored = self._redis.hget(LineageKeys(lineage).aliases, name)
        if stored is None:
            raise AliasNotFound(lineage, name)
        return _alias(lineage, name, stored)

    def set_alias(self, lineage: str, name: str, version: int, condition: str = "") -> Alias:
        """Make an alias name a version; see StateStore.set_alias."""
        keys = LineageKeys(lineage)
        names = [keys.aliases, keys.versions, keys.retired, keys.outbox, keys.revision]
        values = [name, version, condition, now().isoformat(), secrets.token_hex(8)]
        outcome, *rest = self._run("set_alias", names, values)
        _refuse(outcome, lineage, version)
        if outcome == "changed":
            raise AliasChanged(lineage, name)
        return _alias(lineage, name, rest[0])

    def delete_alias(self, lineage: str, name: str, condition: str = "") -> None:
        """Raises AliasNotFound, AliasChanged."""
        keys = LineageKeys(lineage)
        outcome = self._run("delete_alias", [keys.aliases, keys.outbox, keys.revision], [name, condition])
        if outcome == "missing":
            raise AliasNotFound(lineage, name)
        if outcome == "changed":
            raise AliasChanged(lineage, name)

    def append(self, version: Version, source: int, seed: str) -> int | None:
        """Add a version that repeats version `source`; see StateStore.append."""
        keys = LineageKeys(version.lineage)
        names = [keys.head, keys.versions, keys.retired, keys.outbox, keys.revision, keys.events, keys.made(seed)]
        origin = f"{version.lineage}@{source}"
        values = [version.number - 1, source, version.model_dump_json(), origin, _REMEMBERED_SECONDS]
        outcome = self._run("append", names, values)
        _refuse(outcome, version.lineage, source)
        return None if outcome == "moved" else int(outcome)

    def set_pin(self, lineage: str, number: int, *, pinned: bool) -> None:
        """Raises VersionNotFound, VersionRetired."""
        keys = LineageKeys(lineage)
        names = [keys.versions, keys.retired, keys.pins, keys.outbox, keys.revision]
        _refuse(self._run("set_pin", names, [number, int(pinned)]), lineage, number)

    def list_pins(self, lineage: str) -> Sequence[int]:
        """Numbers of pinned versions, in order."""
        with answers():
            return sorted(int(number) for number in self._redis.smembers(LineageKeys(lineage).pins))

    def get_retention(self, lineage: str) -> Retention | None:
        """The lineage's rule; None keeps everything."""
        with answers():
            stored = self._redis.get(LineageKeys(lineage).retention)
        return Retention.model_validate_json(stored) if stored else None

    def set_retention(self, lineage: str, rule: Retention | None) -> None:
        """Set the rule; nothing is retired by that. Raises LineageNotFound."""
        keys = LineageKeys(lineage)
        names = [keys.record, keys.retention, keys.outbox, keys.revision]
        if self._run("set_retention", names, [rule.model_dump_json() if rule else ""]) == "no_lineage":
            raise LineageNotFound(lineage)

    def retire(self, lineage: str, *, preview: bool = False) -> Sequence[int]:
        """Retire what the rule gives up; see StateStore.retire."""
        keys = LineageKeys(lineage)
        with answers():
            if not self._redis.exists(keys.record):
                raise LineageNotFound(lineage)
        names = [keys.head, keys.aliases, keys.pins, keys.retired, keys.retention, keys.outbox, keys.revision]
        found: list[int] = self._run("retire", names, ["" if preview else now().isoformat()])
        return found


def _refuse(outcome: str, lineage: str, number: int) -> None:
    if outcome == "version":
        raise VersionNotFound(f"{lineage}@{number}")
    if outcome == "retired":
        raise VersionRetired(f"{lineage}@{number}")


def _alias(lineage: str, name: str, text: str) -> Alias:
    fields: dict[str, Any] = json.loads(text)
    fields.pop("token", None)
    return Alias.model_validate({"lineage": lineage, "name": name} | fields)
