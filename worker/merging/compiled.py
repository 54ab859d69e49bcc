"""Functions compiled to machine code at their first call, and kept on disk for the calls of later processes.

Source: numba's `njit`; why it is used stands in `docs/decisions/0012-compiled-kernels.md`.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger(__name__)


class Compiled(Generic[P, R]):
    """A function of arrays and numbers; it lets other threads run while it works.

    It is compiled for the types that it is called with: about a second each, or a few milliseconds where an earlier
    process has left the machine code in `__pycache__`, in NUMBA_CACHE_DIR or in the user's cache folder. Where none of
    these can be written, every process compiles anew.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        self._function = function
        self._machine: Callable[P, R] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's value."""
        if self._machine is None:
            self._machine = _compile(self._function, cache=True)
            with _without_scipy():
                return self._run(*args, **kwargs)
        return self._run(*args, **kwargs)

    def _run(self, *args: P.args, **kwargs: P.kwargs) -> R:
        assert self._machine is not None  # noqa: S101  `__call__` has made it
        try:
            return self._machine(*args, **kwargs)
        except OSError as error:  # the arithmetic touches no files, so it is the cache that has no room
            _log.warning("Compiled code cannot be kept (%s): every process compiles anew.", error)
            self._machine = _compile(self._function, cache=False)
            return self._machine(*args, **kwargs)


def _compile(function: Callable[P, R], *, cache: bool) -> Callable[P, R]:
    compiler = cast("Any", njit)
    try:
        machine = compiler(nogil=True, cache=cache)(function)
    except RuntimeError:  # numba found no folder that it may write to
        machine = compiler(nogil=True)(function)
    return cast("Callable[P, R]", machine)


@contextmanager
def _without_scipy() -> Iterator[None]:
    """Hide SciPy's linear algebra, unless it is imported already.

    At its first compilation numba imports it, to see whether there is BLAS. The kernels call none, and the import
    takes longer than merging a small model.
    """
    name = "scipy.linalg"
    if name in sys.modules:
        yield
        return
    hidden: dict[str, Any] = {name: None}  # Python's own way to say that there is no such module
    sys.modules.update(hidden)
    try:
        yield
    finally:
        del sys.modules[name]
