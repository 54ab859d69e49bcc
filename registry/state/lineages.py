"""Lineages and versions in Redis or Valkey."""

from collections.abc import Sequence

from registry.errors import LineageExists, LineageNotFound, VersionNotFound, VersionRetired
from registry.lineage import Lineage
from registry.state import queries
from registry.state.connection import RedisClient
from registry.state.decoding import lineage_of
from registry.state.keys import LINEAGES, LineageKeys
from registry.version import LATEST, Version, VersionReference

_REMEMBERED_SECONDS = 7 * 86_400
"""How long `append` recognises a repeated seed: longer than any client retries."""


class LineageRepository:
    """See LineageStore."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def create(self, lineage: Lineage, base: Version) -> Lineage:
        """Store a lineage with its version 0. Storing the same lineage again is no error. Raises LineageExists."""
        keys = LineageKeys(lineage.name)
        # Listed first: if this process dies between the two writes, the sweep still finds the lineage.
        self._client.call(lambda server: server.sadd(LINEAGES, lineage.name))
        names = [keys.record, keys.versions, keys.head, keys.pending_manifests, keys.revision]
        # Null is kept: an explicit null in a recipe differs from a parameter that was left out.
        stored = self._client.run("create_lineage", names, [lineage.model_dump_json(), base.model_dump_json()])
        result = Lineage.model_validate_json(stored)
        if result.model_dump(exclude={"created_at"}) != lineage.model_dump(exclude={"created_at"}):
            raise LineageExists(lineage.name)
        return result

    def get(self, name: str) -> Lineage:
        """Raises LineageNotFound."""
        stored = self._client.call(lambda server: server.get(LineageKeys(name).record))
        if stored is None:
            raise LineageNotFound(name)
        return lineage_of(stored)

    def list(self) -> Sequence[Lineage]:
        """All lineages, by name."""
        names = sorted(self._client.call(lambda server: server.smembers(LINEAGES)))
        if not names:
            return []
        stored = self._client.call(lambda server: server.mget([LineageKeys(name).record for name in names]))
        return [Lineage.model_validate_json(text) for text in stored if text is not None]


class VersionRepository:
    """See VersionStore."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def head(self, lineage: str) -> Version:
        """The newest version. Raises LineageNotFound."""
        try:
            return self.get(VersionReference(lineage=lineage, version=LATEST))
        except VersionNotFound as error:
            raise LineageNotFound(lineage) from error

    def get(self, reference: VersionReference) -> Version:
        """The version with this number or alias, or the newest one (`latest`). Raises VersionNotFound."""
        return self._client.query(queries.version(reference))[1]

    def append(self, version: Version, source: int, seed: str) -> int | None:
        """Add a version that repeats version `source` of its lineage; see VersionStore.append."""
        keys = LineageKeys(version.lineage)
        names = [keys.head, keys.versions, keys.retired, keys.pending_manifests, keys.revision, keys.events]
        origin = f"{version.lineage}@{source}"
        values = [version.number - 1, source, version.model_dump_json(), origin, _REMEMBERED_SECONDS]
        outcome = self._client.run("append_version", [*names, keys.made_version(seed)], values)
        if outcome == "retired":
            raise VersionRetired(origin)
        return None if outcome == "moved" else int(outcome)
