"""The commit of the code, as provenance records it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import registry
from registry import code_commit
from registry.recipe import AverageRecipe
from registry.version import Provenance

_DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder in place of the package's own; the result is not remembered."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setattr(registry, "_PACKAGE", folder)
    code_commit.cache_clear()
    yield folder
    code_commit.cache_clear()


def test_an_image_has_the_commit_in_a_file(package: Path) -> None:
    (package / "COMMIT").write_text("0123abcd\n")
    assert code_commit() == "0123abcd"


def test_the_commit_and_changes_of_a_clone_are_reported(package: Path) -> None:
    git = ("git", "-C", str(package.parent), "-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run((*git, "init", "--quiet"), check=True)
    (package / "file").write_text("one")
    subprocess.run((*git, "add", "."), check=True)
    subprocess.run((*git, "commit", "--quiet", "--message", "one"), check=True)
    head = subprocess.run((*git, "rev-parse", "HEAD"), check=True, capture_output=True, text=True).stdout.strip()
    assert code_commit() == head
    code_commit.cache_clear()
    (package / "file").write_text("two")
    assert code_commit() == f"{head}-dirty"


@pytest.mark.usefixtures("package")
def test_code_from_neither_is_of_an_unknown_commit() -> None:
    assert code_commit() == "unknown"


def test_the_json_of_provenance_without_a_commit_is_unchanged() -> None:
    fields = {"parent": 0, "merge": "m", "checkpoint": _DIGEST, "recipe": AverageRecipe(), "code": "0"}
    record = Provenance.model_validate(fields | {"libraries": {}, "device": "cpu"})
    assert "commit" not in record.model_dump()
    assert Provenance.model_validate_json(record.model_copy(update={"commit": "1"}).model_dump_json()).commit == "1"
