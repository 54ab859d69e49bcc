"""Streaming kernels of the merge methods: API, compiled loops, dtype input and output."""

from typing import Final

BLOCK: Final = 1024
"""Elements that a loop converts to float64 at once."""
