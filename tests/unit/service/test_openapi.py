"""The OpenAPI document that clients are generated from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.settings import GatewaySettings


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("data")
    return create_app(GatewaySettings(data_dir=folder)).openapi()


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


def test_the_merge_body_is_described_in_both_forms(document: dict[str, Any]) -> None:
    content = document["paths"]["/merge"]["post"]["requestBody"]["content"]
    assert set(content) == {"multipart/form-data", "application/json"}
    assert content["multipart/form-data"]["schema"]["properties"]["checkpoint"]["format"] == "binary"
