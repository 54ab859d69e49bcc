"""Claims about the project itself."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from registry import CODE_VERSION
from registry.admin.settings import AdminSettings
from service.settings import GatewaySettings
from standalone.settings import Settings as StandaloneSettings
from worker.settings import WorkerSettings

_ROOT = Path(__file__).parents[2]
_ROOMS = ("registry", "service", "worker", "merging", "standalone")


def test_the_release_is_defined_once() -> None:
    assert tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"] == CODE_VERSION


@pytest.mark.parametrize("settings", [GatewaySettings, WorkerSettings, StandaloneSettings, AdminSettings])
def test_every_setting_is_documented_with_its_default(
    settings: type[GatewaySettings | WorkerSettings | StandaloneSettings | AdminSettings],
) -> None:
    text = (_ROOT / "docs" / "reference" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]*)` \|", text, flags=re.MULTILINE))
    for name, field in settings.model_fields.items():
        variable = str(field.validation_alias or f"ODEM_{name.upper()}")
        assert variable in rows, f"docs/reference/settings.md has no row for {variable}"
        assert rows[variable] == ("" if field.default is None else str(field.default)), variable


_TERMS = {
    "api_key": "API key",
    "audit": "audit log",
    "errors": "error",
    "networks": "network",
    "redis_url": "Redis URL",
}
"""Modules of the core whose name is not the term itself."""


def test_the_glossary_defines_the_noun_of_each_module_of_the_core() -> None:
    text = (_ROOT / "docs" / "reference" / "glossary.md").read_text()
    modules = {file.stem for file in (_ROOT / "registry").glob("*.py")} - {"__init__"}
    assert _TERMS.keys() <= modules
    for module in sorted(modules):
        term = _TERMS.get(module, module.replace("_", " "))
        assert f"**{term}**" in text, f"docs/reference/glossary.md does not define {term!r} (registry/{module}.py)"


_PLANTS = [
    ("service", "import worker.torch_tensors", "gateway and worker"),
    ("worker", "import service.app", "gateway and worker"),
    ("registry", "import fastapi", "registry knows nobody"),
    ("registry", "import worker.settings", "registry knows nobody"),
    ("merging", "import registry.merge", "merging is pure"),
    ("merging", "import redis", "merging is pure"),
    ("service", "import torch", "no torch"),
    ("standalone", "import service.settings", "standalone starts"),
    ("service/http", "import service.auth.api_keys", "service: features, pipeline, auth, http"),
    ("service/auth", "import service.pipeline.route", "service: features, pipeline, auth, http"),
    ("service/pipeline", "import service.merges.schemas", "service: features, pipeline, auth, http"),
    ("service/webhooks", "import service.merges.schemas", "features do not import each other"),
    ("service/server", "import service.pipeline.route", "service.server knows nothing"),
    ("service/uploads", "import service.merges.ingest", "no import cycles"),
]


@pytest.fixture(scope="module")
def copied_rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rooms")
    for room in _ROOMS:
        shutil.copytree(_ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_ROOT / "pyproject.toml", folder)
    return folder


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(("room", "statement", "contract"), _PLANTS)
def test_a_forbidden_import_breaks_its_contract(copied_rooms: Path, room: str, statement: str, contract: str) -> None:
    planted = copied_rooms / room / "planted.py"
    planted.write_text(f'"""Planted."""\n\n{statement}\n')
    try:
        result = _lint_imports(copied_rooms)
    finally:
        planted.unlink()
    assert result.returncode != 0
    broken = [line for line in result.stdout.splitlines() if "BROKEN" in line]
    assert any(contract in line for line in broken), result.stdout


@pytest.mark.slow
def test_the_contracts_hold_without_a_plant(copied_rooms: Path) -> None:
    result = _lint_imports(copied_rooms)
    assert result.returncode == 0, result.stdout
