"""Who sends bytes of which resumable upload to this gateway, and how the next one gets a turn.

The file's lock says that somebody sends, but not whether somebody is still there. A client whose connection was cut
comes back within a second; the gateway may need longer to notice the cut, or to sync what came before it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from registry.errors import UploadBusy
from service.server.tcp import TcpConnection


class Sender:
    """A request that has the turn. `waits` and `ends` are kept up to date by whoever reads its body."""

    def __init__(self, wire: TcpConnection | None) -> None:
        self._wire = wire
        self._ended = asyncio.Event()
        self._waiting_since: float | None = None
        self._ending = False

    def waits(self) -> None:
        """It waits for its client's bytes."""
        self._waiting_since = time.monotonic()

    def works(self) -> None:
        """It has bytes to store."""
        self._waiting_since = None

    def ends(self) -> None:
        """It takes no more bytes, and only has to leave things in order."""
        self._ending = True

    def over(self) -> None:
        """It has let go of everything."""
        self._ended.set()

    def yields(self, patience: float | None) -> bool:
        """Whether it ends soon. One that was silent for longer than `patience` seconds is made to."""
        if self._ending or (self._wire is not None and self._wire.gone):
            return True
        if patience is None or self._wire is None or self._waiting_since is None:
            return False
        silence = min(time.monotonic() - self._waiting_since, self._wire.silence)
        if silence <= patience:
            return False
        self._wire.cut()
        return True

    async def ended(self) -> None:
        """Wait until it has let go."""
        await self._ended.wait()


class WriterLocks:
    """One turn for each upload. Used from the event loop alone.

    patience: seconds of silence after which a sender loses its turn to another. longest: seconds that anybody waits for
    one that ends.
    """

    def __init__(self, patience: float, longest: float) -> None:
        self._patience = patience
        self._longest = longest
        self._senders: dict[str, Sender] = {}

    @asynccontextmanager
    async def turn(self, upload_id: str, wire: TcpConnection | None) -> AsyncIterator[Sender]:
        """Send alone while the block runs, after a sender who is gone has ended. Raises UploadBusy."""
        await self._others(upload_id, self._patience)
        if upload_id in self._senders:
            raise UploadBusy(upload_id)
        sender = self._senders[upload_id] = Sender(wire)
        try:
            yield sender
        finally:
            del self._senders[upload_id]
            sender.over()

    def sends(self, upload_id: str) -> bool:
        """Whether somebody has the turn."""
        return upload_id in self._senders

    async def settled(self, upload_id: str) -> None:
        """Return when all that a sender who is gone has sent is counted; at once, when one sends."""
        await self._others(upload_id, None)

    async def _others(self, upload_id: str, patience: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._longest):
                while (other := self._senders.get(upload_id)) is not None and other.yields(patience):
                    await other.ended()
