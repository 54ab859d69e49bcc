"""The layout of the keys.

    odem:lineages                       SET     names of all lineages
    odem:merge:<id>:lineage             STRING  the lineage of a merge

    odem:{<lineage>}:record             STRING  Lineage as JSON
    odem:{<lineage>}:versions           HASH    number -> Version as JSON
    odem:{<lineage>}:head               STRING  number of the newest version
    odem:{<lineage>}:queue              LIST    ids of merges that have not ended, in order; the first may be running
    odem:{<lineage>}:merges             LIST    ids of all merges, newest first
    odem:{<lineage>}:merge:<id>         HASH    the merge: `record` as JSON (what was asked for) and what became of it:
                                                state attempt fence cancel version progress report problem
                                                created started ended (milliseconds since 1970)
    odem:{<lineage>}:claim              HASH    merge fence expires: who runs the first merge of the queue, until when
    odem:{<lineage>}:fence              STRING  the newest fence number
    odem:{<lineage>}:events             STREAM  state changes, one entry each

Braces make a lineage's keys one slot of a cluster, so each script touches one slot.
"""

from dataclasses import dataclass

LINEAGES = "odem:lineages"


def merge_lineage(merge_id: str) -> str:
    """Key of a merge's lineage."""
    return f"odem:merge:{merge_id}:lineage"


@dataclass(frozen=True)
class LineageKeys:
    """The keys of one lineage."""

    name: str

    def _key(self, rest: str) -> str:
        return f"odem:{{{self.name}}}:{rest}"

    @property
    def record(self) -> str:
        """Lineage as JSON."""
        return self._key("record")

    @property
    def versions(self) -> str:
        """Number -> Version as JSON."""
        return self._key("versions")

    @property
    def head(self) -> str:
        """Number of the newest version."""
        return self._key("head")

    @property
    def queue(self) -> str:
        """Ids of merges that have not ended."""
        return self._key("queue")

    @property
    def merges(self) -> str:
        """Ids of all merges, newest first."""
        return self._key("merges")

    @property
    def claim(self) -> str:
        """The running merge, its fence and its lease."""
        return self._key("claim")

    @property
    def fence(self) -> str:
        """The newest fence number."""
        return self._key("fence")

    @property
    def events(self) -> str:
        """Stream of state changes."""
        return self._key("events")

    def merge(self, merge_id: str) -> str:
        """One merge."""
        return self._key(f"merge:{merge_id}")
