"""Machine code of the loops in `loops.py`: compiled once, kept on disk, and loaded without numba.

numba makes LLVM's code of a loop the first time that anybody calls it. That is kept, in `__pycache__` beside the source
or else in the user's cache folder, and so is the machine code that LLVM makes of it for a processor. Later processes
need no numba, which takes longer to import than a small model to merge.
Source: numba's `cfunc`, llvmlite's MCJIT binding; why stands in `docs/decisions/0012-compiled-kernels.md`.
"""

import contextlib
import ctypes
import hashlib
import logging
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import llvmlite.binding as llvm

BLOCK: Final = 1024
"""Elements that a loop has in float64 at once."""

_LOOPS: Final = Path(__file__).with_name("loops.py")
_SYMBOL: Final = "odem_loop"
_TYPES: Final[dict[str, Any]] = {"a": ctypes.c_uint64, "n": ctypes.c_int64, "x": ctypes.c_double}
_log = logging.getLogger(__name__)


class Compiled:
    """A loop of `loops.py`, by its name. Other threads run while it works.

    takes: its arguments' types, a letter each: a for an address, n for a whole number, x for a float. It returns a
    whole number. The first call in a process loads it, or compiles it where no earlier process has: a second or two.
    """

    def __init__(self, name: str, takes: str) -> None:
        self._name = name
        self._takes = takes
        self._machine: Callable[..., int] | None = None
        self._engine: Any = None  # owns the machine code

    def __call__(self, *args: float) -> int:
        """The loop's value."""
        if self._machine is None:
            self._machine = self._load()
        return self._machine(*args)

    @property
    def kept(self) -> bool:
        """Whether its code is on disk."""
        return _kept(f"{self._name}.bc") is not None

    def prepare(self) -> bool:
        """Compile it unless that has been done; whether its code is on disk."""
        self._code()
        return self.kept

    def _load(self) -> Callable[..., int]:
        file = f"{self._name}.{_processor()}.o"
        machine_code = _kept(file)
        if machine_code is None:
            machine_code = _target().emit_object(llvm.parse_bitcode(self._code()))
            _keep(file, machine_code)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(machine_code))
        self._engine.finalize_object()
        address = self._engine.get_function_address(_SYMBOL)
        return ctypes.CFUNCTYPE(ctypes.c_int64, *(_TYPES[letter] for letter in self._takes))(address)

    def _code(self) -> bytes:
        file = f"{self._name}.bc"
        code = _kept(file)
        if code is None:
            code = _compile(self._name, self._takes)
            _keep(file, code)
        return code


def _compile(name: str, takes: str) -> bytes:
    """LLVM's optimised code of a loop, for any processor of this one's kind."""
    with _without_scipy():
        from numba import cfunc, types  # noqa: PLC0415  slow to import, and not needed where the code is kept

        from merging.kernels import loops  # noqa: PLC0415

        kinds = {"a": types.uint64, "n": types.int64, "x": types.float64}
        compiler: Any = cfunc(types.int64(*(kinds[letter] for letter in takes)), error_model="numpy")
        compiled = compiler(getattr(loops, name))
    _begin()
    module = llvm.parse_assembly(compiled.inspect_llvm())
    module.get_function(compiled.native_name).name = _SYMBOL
    _strip(module)
    code: bytes = module.as_bitcode()
    return code


def _strip(module: Any) -> None:
    """Drop all that the loop does not use. Raises RuntimeError if it uses numba's or Python's own functions."""
    for item in (*module.functions, *module.global_variables):
        if not item.is_declaration and item.name != _SYMBOL:
            item.linkage = "internal"
    passes = llvm.create_pass_builder(_target(), llvm.create_pipeline_tuning_options())
    manager = llvm.create_new_module_pass_manager()
    manager.add_ipsccp_pass()  # that the functions it calls never report an error
    manager.add_simplify_cfg_pass()
    manager.add_global_dead_code_eliminate_pass()
    manager.run(module, passes)
    foreign = [item.name for item in module.functions if item.is_declaration and not item.name.startswith("llvm.")]
    if foreign:
        raise RuntimeError(f"A loop can raise, or takes memory: it needs {', '.join(foreign)}")


@cache
def _begin() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _host() -> tuple[str, str]:
    """This processor's name and abilities, as LLVM knows them."""
    try:
        return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM knows nothing of this one
        return "", ""


def _target() -> Any:
    """What makes machine code for this processor; an engine takes it over."""
    _begin()
    name, features = _host()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=name, features=features, opt=3, jit=True)


def _processor() -> str:
    return _short("\n".join(_host()).encode())


@cache
def _version() -> str:
    """What the code depends on: the files that make it, numba, LLVM, and the kind of machine."""
    sources = (_LOOPS, _LOOPS.with_name("dtype_io.py"), Path(__file__))
    versions = [version("numba"), version("llvmlite"), llvm.get_default_triple()]
    return _short("\n".join(versions).encode() + b"".join(path.read_bytes() for path in sources))


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _places(file: str) -> Iterator[Path]:
    """Where code may lie: beside the source, in the user's cache folder."""
    name = f"loops.{_version()}.{file}"
    yield _LOOPS.parent / "__pycache__" / name
    with contextlib.suppress(RuntimeError):  # nobody's home
        yield Path.home() / ".cache" / "odem" / name


def _kept(file: str) -> bytes | None:
    for path in _places(file):
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if hashlib.sha256(data[32:]).digest() == data[:32]:
                return data[32:]
    return None


def _keep(file: str, code: bytes) -> None:
    """Write code to the first place that can be written, whole or not at all, with its SHA-256 before it."""
    reason: OSError | None = None
    for path in _places(file):
        fresh = path.with_name(f"{secrets.token_hex(8)}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(hashlib.sha256(code).digest() + code)
            fresh.replace(path)
        except OSError as error:
            reason = error
            with contextlib.suppress(OSError):
                fresh.unlink()
        else:
            return
    _log.warning("Compiled code cannot be kept (%s): every process compiles anew.", reason)


@contextmanager
def _without_scipy() -> Iterator[None]:
    """Hide SciPy's linear algebra, unless it is imported already.

    When numba compiles it imports it, to see whether there is BLAS. The loops call none, and the import takes longer
    than merging a small model.
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
