"""Compiled loops: numba's `cfunc` compiles the functions of `loops.py` and caches the machine code.

numba compiles a loop for this processor at its first use, one to two seconds each, and caches the machine code in
`__pycache__` beside the source, or in the user's cache folder if that is not writable.
Source: numba, "Creating C callbacks with @cfunc"; reasons in `docs/decisions/0012-compiled-kernels.md`.
"""

import logging
from collections.abc import Callable
from typing import Any

_log = logging.getLogger(__name__)


class CompiledLoop:
    """A loop of `loops.py`, by name, which runs without the interpreter lock and returns an integer.

    takes: the types of its arguments, one letter each: a for an address, n for an integer, x for a float. The first
    call in a process loads the machine code, or compiles it if the cache has none.
    """

    def __init__(self, name: str, takes: str) -> None:
        self._name = name
        self._takes = takes
        self._callback: Any = None  # owns the machine code
        self._function: Callable[..., int] | None = None

    def __call__(self, *args: float) -> int:
        """Run the loop."""
        if self._function is None:
            self._function = self._load()
        return self._function(*args)

    def prepare(self) -> None:
        """Load or compile the code now."""
        self._function = self._function or self._load()

    def _load(self) -> Callable[..., int]:
        from numba import cfunc, types  # noqa: PLC0415  slow to import; only merges need it

        from merging.kernels import loops  # noqa: PLC0415  it imports numba

        letters = {"a": types.uint64, "n": types.int64, "x": types.float64}
        signature = types.int64(*(letters[letter] for letter in self._takes))
        loop = getattr(loops, self._name)
        try:
            self._callback = cfunc(signature, cache=True, error_model="numpy")(loop)
        except (RuntimeError, OSError) as error:  # no folder for the cache is writable, or the disk is full
            _log.warning("numba cannot cache the loop %s, so every process compiles it: %s", self._name, error)
            self._callback = cfunc(signature, error_model="numpy")(loop)
        function: Callable[..., int] = self._callback.ctypes
        return function
