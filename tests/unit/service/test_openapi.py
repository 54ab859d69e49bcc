"""The OpenAPI document that clients are generated from."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.export_openapi import DOCUMENT_PATH, render
from service.settings import GatewaySettings

_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("data")
    return create_app(GatewaySettings(data_dir=folder)).openapi()


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_every_reference_has_its_schema(document: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named <= set(document["components"]["schemas"])
    assert {"MergeRequest", "LineageSpec", "Problem", "OdeRecipe"} <= set(document["components"]["schemas"])


def test_every_operation_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in ids)


def test_problems_are_declared_as_problem_json(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")) and status != "416" and "content" in response:
                    assert list(response["content"]) == ["application/problem+json"], (operation["operationId"], status)


def test_the_merge_body_is_described_in_all_its_forms(document: dict[str, Any]) -> None:
    content = document["paths"]["/merge"]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json", "application/vnd.safetensors"}
    assert content["multipart/form-data"]["schema"]["properties"]["checkpoint"]["format"] == "binary"


def test_the_committed_document_matches_the_routes() -> None:
    assert (_ROOT / DOCUMENT_PATH).read_text("utf-8") == render(), (
        "write it anew with `make openapi`, and look at what changed"
    )


def test_every_example_that_is_named_is_there(document: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/examples/([^"]+)"', json.dumps(document)))
    assert {"merge-not-found", "store-unavailable", "internal"} <= named <= set(document["components"]["examples"])


def test_every_property_parameter_and_header_has_a_description(document: dict[str, Any]) -> None:
    missing = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, content in schema.get("properties", {}).items()
        if not content.get("description")
    ]
    for operation in _operations(document):
        described = [(item["name"], item) for item in operation.get("parameters", ())]
        for response in operation["responses"].values():
            described += response.get("headers", {}).items()
        missing += [f"{operation['operationId']} {name}" for name, item in described if not item.get("description")]
    assert missing == []


def test_samples_belong_to_operations_and_python_samples_compile(document: dict[str, Any]) -> None:
    samples = json.loads((_ROOT / "service/operations/samples.json").read_text("utf-8"))
    assert set(samples) <= {operation["operationId"] for operation in _operations(document)}
    for name, sample in samples.items():
        assert set(sample["code"]) == {"curl", "Python", "TypeScript"}, name
        compile("\n".join(sample["code"]["Python"]), name, "exec")


def test_examples_of_responses_have_the_fields_of_their_schemas(document: dict[str, Any]) -> None:
    seen = 0
    for operation in _operations(document):
        for response in operation["responses"].values():
            content = response.get("content", {}).get("application/json", {})
            if "example" in content:
                seen += 1
                schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                assert set(schema["required"]) <= set(content["example"]) <= set(schema["properties"])
    assert seen >= 10


def test_no_parameter_can_be_null(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), parameter["name"]


@pytest.mark.slow
def test_a_client_can_be_generated_from_it_without_a_warning(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "content_type_overrides:\n"
        "  application/vnd.safetensors: application/octet-stream\n"
        "  application/offset+octet-stream: application/octet-stream\n"
        "post_hooks: []\n"
    )
    program = str(Path(sys.executable).with_name("openapi-python-client"))
    command = [program, "generate", "--path", str(_ROOT / DOCUMENT_PATH), "--output-path", str(tmp_path / "client")]
    options = ["--meta", "none", "--config", str(config), "--fail-on-warning"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "client" / "api" / "merges" / "create_merge.py").exists()


def test_the_page_loads_nothing_from_anywhere_else(tmp_path: Path) -> None:
    http = TestClient(create_app(GatewaySettings(data_dir=tmp_path)), base_url="http://localhost")
    for name in ("/docs", "/docs/docs.css", "/docs/docs.js"):
        reply = http.get(name)
        assert reply.status_code == 200
        assert "//" not in re.sub(r"(?m)^//.*$", "", reply.text), name
        assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert http.get("/redoc").status_code == 404
