"""`python clients/python/generate.py`: writes odem_client/generated anew from docs/openapi.json.

Two things in the document are beyond the generator: media types that it does not know, which are named to it as plain
bytes, and a body of several media types (POST /merge), of which the JSON one is kept. Files go apart from a merge here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.json"
TARGET = HERE / "odem_client" / "generated"
_PROGRAMS = Path(sys.executable).parent
_CONFIG = {
    "content_type_overrides": {
        "application/vnd.safetensors": "application/octet-stream",
        "application/offset+octet-stream": "application/octet-stream",
    },
    "post_hooks": [
        "ruff check . --no-cache --isolated --fix-only --unsafe-fixes --target-version py311 --select F,I,PYI019",
        "ruff format . --no-cache --isolated --quiet",
    ],
}


def narrow(document: dict[str, Any]) -> dict[str, Any]:
    """Keep the JSON body where an operation takes several; let a recipe that is shown say no more than was said."""
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Recipe"):
            for parameter, described in schema["properties"].items():
                if parameter != "method":
                    described.pop("default", None)
    for path in document["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {})
            if len(content) > 1 and "application/json" in content:
                operation["requestBody"]["content"] = {"application/json": content["application/json"]}
    return document


def generate(target: Path) -> None:
    """Write the generated package into `target`, which is emptied first."""
    with tempfile.TemporaryDirectory() as folder:
        document, config = Path(folder, "openapi.json"), Path(folder, "config.json")
        document.write_text(json.dumps(narrow(json.loads(DOCUMENT.read_text()))))
        config.write_text(json.dumps(_CONFIG))
        command = [str(_PROGRAMS / "openapi-python-client"), "generate", "--meta", "none", "--overwrite"]
        command += ["--fail-on-warning", "--path", str(document), "--config", str(config), "--output-path", str(target)]
        environment = {**os.environ, "PATH": f"{_PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="generate.py", description=__doc__)
    parser.add_argument("--target", type=Path, default=TARGET, help="another folder than the committed one")
    generate(parser.parse_args().target)
