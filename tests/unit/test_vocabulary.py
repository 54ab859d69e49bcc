"""Identifiers and public text use the terms of the field; see docs/reference/glossary.md.

Identifiers are the names that code binds: modules, classes, functions, arguments, variables and attributes. Names that
it merely uses, such as those of a library, do not count. Public text is the documentation, the OpenAPI document and the
help of the commands.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odem_client.cli.__main__ import app

_ROOT = Path(__file__).parents[2]
_PACKAGES = (
    "merging",
    "registry",
    "service",
    "worker",
    "standalone",
    "benchmarks",
    "examples",
    "docker",
    "clients",
    "tests",
)
_EXCEPTIONS = Path(__file__).with_name("vocabulary_exceptions.txt")

INSTEAD = {
    "answer answers answered answering": "response, problem type, result: what it is",
    "settle settles settled": "bind, wait_for, refund, acknowledge: what it does",
    "place places": "slot, position, folder, endpoint, reservation: what it is",
    "figure figures": "metric, result, number",
    "intent intents": "idempotency key",
    "question questions": "query",
    "told said": "output, message, reported: what it is",
    "bell bells doorbell": "notification, notify",
    "house houses": "stack",
    "courier couriers": "dispatcher",
    "desk": "access control",
    "visit visits": "request state",
    "shelf shelves shelve shelved": "blob store, upload",
    "foresight": "preconditions",
    "outward": "SSRF-safe client",
    "leash": "parent-death signal",
}
"""Words that no identifier may contain, and what to write."""

INSTEAD_OF_THE_WHOLE = {
    "found": "result, match, value: what it is",
    "most": "limit, largest",
    "of": "from_...",
    "ring": "notify",
    "circle": "key scope hash",
}
"""Identifiers that say nothing alone; as a part of a name, as in `not_found`, they are fine."""

INSTEAD_OF_MODULES = {
    "account": "metrics",
    "callers": "api_keys",
    "carrying": "method_state",
    "deliveries": "dispatcher",
    "flat": "parameter_buffer",
    "judge": "holdout",
    "ledger": "manifest_queries",
    "mapped": "reader",
    "names": "aliases",
    "raw": "tensor_bytes",
    "reading": "decoding",
    "reads": "async_queries",
    "scoring": "evaluation",
    "senders": "writer_lock",
    "sending": "zero_copy",
    "sinks": "streams",
    "slots": "concurrency",
    "subspace": "svd",
    "threshold": "topk",
    "visible": "scoped_stores",
    "wire": "tcp",
}
"""Modules that a search for the term of the field would not find."""

INSTEAD_IN_TEXT = {
    r"answer(s|ed|ing)?": "response, respond",
    r"told": "documented, reported, see",
    r"settle[sd]?": "acknowledge, wait for",
    r"shel(f|ves)": "blob store",
    r"(door)?bells?": "notification",
    r"couriers?": "dispatcher",
    r"desk": "access control",
    r"foresight": "precondition",
    r"leash": "parent-death signal",
    r"whoever": "a client that, the operator",
    r"gone on with": "resumed, continued",
}
"""Words that public text may not contain, and what to write."""

_PARTS = {word: instead for words, instead in INSTEAD.items() for word in words.split()}


def _split(name: str) -> list[str]:
    """The words of an identifier: `not_found`, `NotFound` and `NOT_FOUND` have the same."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _bound(tree: ast.AST) -> Iterator[str]:
    """Every name that the code binds, except names of tests, which are sentences."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                continue
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name


def _complaint(name: str) -> str | None:
    """What to write for an identifier, or None if it is fine."""
    if name.strip("_").lower() in INSTEAD_OF_THE_WHOLE:
        return INSTEAD_OF_THE_WHOLE[name.strip("_").lower()]
    return next((_PARTS[word] for word in _split(name) if word in _PARTS), None)


def _sources() -> list[Path]:
    """The project's Python files, without generated ones and installed packages."""
    files = (file for package in _PACKAGES for file in (_ROOT / package).rglob("*.py"))
    return sorted(file for file in files if not {"generated", "node_modules"} & set(file.parts))


@cache
def _exceptions() -> dict[str, set[str]]:
    """Identifiers by file that are allowed; lines that begin with # give the reason."""
    lines = _EXCEPTIONS.read_text().splitlines() if _EXCEPTIONS.exists() else []
    return {path: set(names.split()) for path, _, names in (line.partition(": ") for line in lines if line[0] != "#")}


def offences(file: Path) -> dict[str, str]:
    """The identifiers of a file that are to be replaced, and by what."""
    names = {file.stem, file.parent.name, *_bound(ast.parse(file.read_text()))}
    complaints = {name: complaint for name in names if (complaint := _complaint(name)) is not None}
    if file.stem in INSTEAD_OF_MODULES:
        complaints[f"module_{file.stem}"] = INSTEAD_OF_MODULES[file.stem]
    return complaints


@pytest.mark.parametrize("package", _PACKAGES)
def test_identifiers_use_the_terms_of_the_field(package: str) -> None:
    sources = [file for file in _sources() if file.is_relative_to(_ROOT / package)]
    assert sources
    remaining = {
        f"{path}: {name}": instead
        for file in sources
        for path in [str(file.relative_to(_ROOT))]
        for name, instead in offences(file).items()
        if name not in _exceptions().get(path, set())
    }
    assert not remaining, "\n".join(f"{where} -> {instead}" for where, instead in sorted(remaining.items()))


@pytest.mark.parametrize(
    "name", ["answer", "take_place", "House", "_answers", "found", "WebhookCourier", "key_intent", "MOST"]
)
def test_banned_identifiers_are_recognised(name: str) -> None:
    assert _complaint(name)


@pytest.mark.parametrize(
    "name", ["not_found", "LineageNotFound", "replaced", "warehouse", "string", "offset", "almost"]
)
def test_words_that_only_contain_a_banned_one_are_fine(name: str) -> None:
    assert _complaint(name) is None


def _offending_text(text: str) -> list[str]:
    pattern = rf"(?i)(?<![\w/-])({'|'.join(INSTEAD_IN_TEXT)})(?![\w/-])"
    return [text[max(0, hit.start() - 40) : hit.end() + 20] for hit in re.finditer(pattern, text)]


def _pages() -> list[Path]:
    folders = (
        (_ROOT, "*.md"),
        (_ROOT / "docs", "**/*.md"),
        (_ROOT / "benchmarks", "*.md"),
        (_ROOT / "clients", "*/*.md"),
    )
    return sorted(page for folder, pattern in folders for page in folder.glob(pattern))


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(_ROOT)))
def test_documentation_uses_the_terms_of_the_field(page: Path) -> None:
    assert not _offending_text(page.read_text())


def _texts(document: object) -> Iterator[str]:
    """Every text that a reader of an OpenAPI document sees."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in {"title", "summary", "description", "detail"} and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(document, list):
        for item in document:
            yield from _texts(item)


def test_the_openapi_document_uses_the_terms_of_the_field() -> None:
    texts = set(_texts(json.loads((_ROOT / "docs" / "openapi.json").read_text())))
    assert len(texts) > 100
    offending = sorted({hit for text in texts for hit in _offending_text(text)})
    assert not offending, "\n".join(offending)


_COMMANDS = [
    "",
    "push",
    "merge",
    "watch",
    "merges",
    "cancel",
    "pull",
    "models",
    "alias",
    "rollback",
    "diff",
    "calibrate",
    "convert",
]
_COMMANDS += ["lineages", "lineages show", "lineages create", "lineages branch"]


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_help_of_the_command_line_uses_the_terms_of_the_field(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert not _offending_text(result.output)
