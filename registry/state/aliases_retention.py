"""Aliases, pins and retention rules in Redis or Valkey."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from registry.alias import Alias
from registry.base_record import now
from registry.errors import AliasChanged, AliasNotFound, LineageNotFound, VersionNotFound, VersionRetired
from registry.retention import Retention
from registry.state.connection import RedisClient
from registry.state.keys import LineageKeys


class AliasRepository:
    """See AliasStore."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def list(self, lineage: str) -> Sequence[Alias]:
        """By name; empty for a lineage that does not exist."""
        stored = self._client.call(lambda server: server.hgetall(LineageKeys(lineage).aliases))
        return [_alias(lineage, name, text) for name, text in sorted(stored.items())]

    def get(self, lineage: str, name: str) -> Alias:
        """Raises AliasNotFound."""
        stored = self._client.call(lambda server: server.hget(LineageKeys(lineage).aliases, name))
        if stored is None:
            raise AliasNotFound(lineage, name)
        return _alias(lineage, name, stored)

    def set(self, lineage: str, name: str, version: int, condition: str = "") -> Alias:
        """Point an alias at a version; see AliasStore.set."""
        keys = LineageKeys(lineage)
        names = [keys.aliases, keys.versions, keys.retired, keys.pending_manifests, keys.revision]
        values = [name, version, condition, now().isoformat(), secrets.token_hex(8)]
        outcome, *rest = self._client.run("set_alias", names, values)
        _check_version(outcome, lineage, version)
        if outcome == "changed":
            raise AliasChanged(lineage, name)
        return _alias(lineage, name, rest[0])

    def delete(self, lineage: str, name: str, condition: str = "") -> None:
        """Raises AliasNotFound, AliasChanged."""
        keys = LineageKeys(lineage)
        names = [keys.aliases, keys.pending_manifests, keys.revision]
        outcome = self._client.run("delete_alias", names, [name, condition])
        if outcome == "missing":
            raise AliasNotFound(lineage, name)
        if outcome == "changed":
            raise AliasChanged(lineage, name)


class RetentionRepository:
    """See RetentionStore."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def set_pin(self, lineage: str, number: int, *, pinned: bool) -> None:
        """Raises VersionNotFound, VersionRetired."""
        keys = LineageKeys(lineage)
        names = [keys.versions, keys.retired, keys.pins, keys.pending_manifests, keys.revision]
        _check_version(self._client.run("set_pin", names, [number, int(pinned)]), lineage, number)

    def list_pins(self, lineage: str) -> Sequence[int]:
        """Numbers of pinned versions, in order."""
        pins = self._client.call(lambda server: server.smembers(LineageKeys(lineage).pins))
        return sorted(int(number) for number in pins)

    def get(self, lineage: str) -> Retention | None:
        """The lineage's rule; None keeps every version."""
        stored = self._client.call(lambda server: server.get(LineageKeys(lineage).retention))
        return Retention.model_validate_json(stored) if stored else None

    def set(self, lineage: str, rule: Retention | None) -> None:
        """Set the rule without retiring anything yet. Raises LineageNotFound."""
        keys = LineageKeys(lineage)
        names = [keys.record, keys.retention, keys.pending_manifests, keys.revision]
        if self._client.run("set_retention", names, [rule.model_dump_json() if rule else ""]) == "no_lineage":
            raise LineageNotFound(lineage)

    def retire(self, lineage: str, *, preview: bool = False) -> Sequence[int]:
        """Retire the versions that the rule does not keep; see RetentionStore.retire."""
        keys = LineageKeys(lineage)
        if not self._client.call(lambda server: server.exists(keys.record)):
            raise LineageNotFound(lineage)
        names = [
            keys.head,
            keys.aliases,
            keys.pins,
            keys.retired,
            keys.retention,
            keys.pending_manifests,
            keys.revision,
        ]
        retired: list[int] = self._client.run("retire", names, ["" if preview else now().isoformat()])
        return retired


def _check_version(outcome: str, lineage: str, number: int) -> None:
    if outcome == "version":
        raise VersionNotFound(f"{lineage}@{number}")
    if outcome == "retired":
        raise VersionRetired(f"{lineage}@{number}")


def _alias(lineage: str, name: str, text: str) -> Alias:
    fields: dict[str, Any] = json.loads(text)
    fields.pop("token", None)
    return Alias.model_validate({"lineage": lineage, "name": name} | fields)
