"""JSON documents of bounded size, read from a stream."""

from collections.abc import AsyncIterable

from registry.errors import TooLarge


async def read_bounded(chunks: AsyncIterable[bytes | bytearray], limit: int) -> bytes:
    """All bytes of a JSON document. Raises TooLarge beyond `limit` bytes."""
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"The JSON document is larger than {limit} bytes (ODEM_MAX_JSON_BYTES).")
    return bytes(data)
