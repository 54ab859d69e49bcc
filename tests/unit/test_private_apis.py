"""No private API of a dependency is used outside `service/server/`.

A name with a leading underscore promises nothing: an upgrade may change it without a word. What speed or a missing hook
requires is in `service/server/`, where `tests/unit/service/test_server_pins.py` lists it and pins the versions.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("service", "registry", "worker", "merging", "standalone", "clients/python")
_ISOLATED = "service/server/"
_OWN = ("service", "registry", "worker", "merging", "standalone", "odem_client", "benchmarks", "tests")

_NAMEDTUPLE = {"_replace", "_asdict", "_fields", "_field_defaults", "_make"}
"""Public methods of named tuples; the underscore keeps them apart from the fields (collections.namedtuple)."""
_PUBLIC = {"os._exit"}
"""Documented functions whose name begins with an underscore."""
_UNDOCUMENTED = {
    "__pydantic_serializer__": "pydantic: use model_dump_json or a TypeAdapter",
    "__pydantic_validator__": "pydantic: use model_validate or a TypeAdapter",
    "__self__": "the object behind a callable that a server passed",
    "__fastapi": "fastapi",
    "dependant": "fastapi.routing: use get_route_handler()",
    "request_response": "starlette.routing: use get_route_handler()",
    "LOGGING_CONFIG": "uvicorn: configure logging with its public formatters",
    "send_packed_command": "redis-py",
    "pack_commands": "redis-py",
    "read_response": "redis-py",
}
"""Names without a leading underscore that the libraries do not document."""
_MODULES = (
    "llvmlite.binding",
    "numba.core",
    "numba.np",
    "uvicorn",
    "starlette._",
    "redis._",
    "kombu.transport.virtual",
)
"""Modules that count as internals as a whole. `llvmlite.ir` does not: numba documents it for intrinsics."""


def _files() -> Iterator[Path]:
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            name = path.relative_to(_ROOT).as_posix()
            if not name.startswith(_ISOLATED) and "/generated/" not in name:
                yield path


def private_uses(source: str, own_names: set[str]) -> list[str]:
    """Each use of a private API of a dependency in Python source, with its line.

    own_names: private names that the project defines; `self.<name>` of any other one is inherited from a dependency.
    """
    tree = ast.parse(source)
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    return [f"line {node.lineno}: {name}" for node in ast.walk(tree) for name in _names(node, classes, own_names)]


def _names(node: Any, classes: set[str], own_names: set[str]) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names if _is_internal_module(alias.name))
        case ast.ImportFrom() if node.module and node.level == 0 and not _is_own(node.module):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in names if _is_internal_module(name) or name.rpartition(".")[2] in _UNDOCUMENTED)
        case ast.Attribute():
            name = ast.unparse(node)
            is_own = node.attr in _NAMEDTUPLE or name in _PUBLIC
            is_own = is_own or (node.attr in own_names and _is_owner(node.value, classes))
            if node.attr in _UNDOCUMENTED or (_is_private(node.attr) and not is_own):
                yield name
        case ast.Constant() if isinstance(node.value, str) and node.value in _UNDOCUMENTED:
            yield node.value


def _is_private(name: str) -> bool:
    return name.startswith("_") and not re.fullmatch(r"__\w+__", name)


def _is_own(module: str) -> bool:
    return module.partition(".")[0] in _OWN


def _is_internal_module(name: str) -> bool:
    return not _is_own(name) and (
        any(_is_private(step) for step in name.split("."))
        or any(f"{name}.".startswith(module if module.endswith("_") else f"{module}.") for module in _MODULES)
    )


def _is_owner(value: ast.expr, classes: set[str]) -> bool:
    """Whether an attribute is the code's own: of self, cls, super() or a class of the same file."""
    match value:
        case ast.Name():
            return value.id in {"self", "cls"} | classes
        case ast.Call(func=ast.Name(id="super" | "type")):
            return True
    return False


_REMAINING = {"registry/blobs/uploads.py"}
"""Files that still use private APIs. The list only shrinks."""


@pytest.fixture(scope="module")
def own_names() -> set[str]:
    """Every private name that the project's own code defines or assigns."""
    return {name for path in _files() for name in _defined(ast.parse(path.read_text()))}


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr
            case ast.Name(ctx=ast.Store()):
                yield node.id


@pytest.mark.parametrize("path", list(_files()), ids=lambda path: path.relative_to(_ROOT).as_posix())
def test_no_private_api_of_a_dependency_is_used(path: Path, own_names: set[str]) -> None:
    name = path.relative_to(_ROOT).as_posix()
    uses = private_uses(path.read_text(), own_names)
    assert not uses or name in _REMAINING, f"{name}: {uses}"


@pytest.mark.parametrize(
    "source",
    [
        "from redis._parsers import Encoder",
        "import llvmlite.binding",
        "from uvicorn.config import LOGGING_CONFIG",
        "from starlette.routing import request_response",
        "route.dependant",
        "made.__pydantic_serializer__",
        "send.__self__",
        "connection._sock.close()",
        "self._sock",
        "def f(hasher: hashlib._Hash) -> None: ...",
        "super()._handle_simple(send)",
        "getattr(send, '__self__')",
        "import numba.core.types",
    ],
)
def test_a_private_use_is_found(source: str) -> None:
    assert private_uses(source, own_names=set())


@pytest.mark.parametrize(
    "source",
    ["self._mine", "parts._replace(netloc='x')", "os._exit(1)", "from registry._own import x", "type(self)._mine"],
)
def test_public_attributes_are_not_reported(source: str) -> None:
    assert not private_uses(source, own_names={"_mine"})
