"""Versions and merges, read without a thread: redis.asyncio, a bounded number of connections for all readers."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from registry.errors import MergeNotFound
from registry.lineage import Lineage
from registry.merge import Merge, MergeSlice, MergeState
from registry.state import queries as questions
from registry.state.async_connection import AsyncRedisConnection
from registry.state.connection import answers
from registry.state.decoding import merge_of
from registry.state.keys import LineageKeys, merge_lineage
from registry.state.queries import Call
from registry.version import Version, VersionReference

_CONNECTIONS = 8
_MOST_LINEAGES = 10_000


class _Asked(NamedTuple):
    """A call that waits for its answer."""

    call: Call
    answer: asyncio.Future[Any]


class RedisAsyncQueries(AsyncRedisConnection):
    """See AsyncQueries. Belongs to one event loop.

    What is asked in the same moment is sent together: of a small question, sending it is the larger part.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, _CONNECTIONS)
        self._lineages: dict[str, str] = {}
        self._asked: list[_Asked] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def version(self, reference: VersionReference) -> tuple[Lineage, Version]:
        """Raises VersionNotFound."""
        return await self._ask(questions.version(reference))

    async def versions(self, lineage: str, limit: int, before: int | None = None) -> tuple[Lineage, Sequence[Version]]:
        """Raises LineageNotFound."""
        return await self._ask(questions.versions(lineage, limit, before))

    async def merge(self, merge_id: str) -> Merge:
        """Raises MergeNotFound."""
        with answers():
            # A merge never changes its lineage, so that is asked for once.
            lineage = self._lineages.get(merge_id) or await self._redis.get(merge_lineage(merge_id))
            fields = await self._redis.hgetall(LineageKeys(lineage).merge(merge_id)) if lineage else None
        if not fields:
            raise MergeNotFound(merge_id)
        if len(self._lineages) >= _MOST_LINEAGES:
            self._lineages.clear()
        self._lineages[merge_id] = lineage
        return merge_of(fields)

    async def merges(
        self,
        lineage: str,
        limit: int,
        below: int | None = None,
        states: Collection[MergeState] = (),
        task: str | None = None,
    ) -> MergeSlice:
        """See StateStore.list_merges."""
        return await self._ask(questions.merges(lineage, limit, below, states, task))

    async def _run(self, script: str, keys: list[str], values: list[Any]) -> Any:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        if not self._asked:
            loop.call_soon(self._begin)
        self._asked.append(_Asked(Call(script, keys, values), answer))
        return await answer

    def _begin(self) -> None:
        asked, self._asked = self._asked, []
        task = asyncio.create_task(self._send(asked))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, asked: Sequence[_Asked]) -> None:
        try:
            found = await self._together([one.call for one in asked]) if len(asked) > 1 else [None]
        except Exception as error:
            found = [error] * len(asked)
        for (call, answer), outcome in zip(asked, found, strict=True):
            try:
                # Alone a call mends what it can, such as a script that the server does not know, or says what is wrong.
                told = outcome if outcome is not None else await super()._run(*call)
            except Exception as error:
                told = error
            if answer.done():
                continue  # whoever asked has gone
            if isinstance(told, Exception):
                answer.set_exception(told)
            else:
                answer.set_result(told)

    async def _together(self, calls: Sequence[Call]) -> list[Any]:
        """What the calls return; None for those that must be made alone."""
        pipeline = self._redis.pipeline(transaction=False)
        for script, keys, values in calls:
            pipeline.execute_command("EVALSHA", self._script(script).sha, len(keys), *keys, *values)
        with answers():
            found = await pipeline.execute(raise_on_error=False)
        return [None if isinstance(outcome, Exception) else outcome for outcome in found]
