"""`python -m service.export_openapi`: write the OpenAPI document to `docs/openapi.json`."""

import json
import tempfile
from pathlib import Path

from service.app import create_app
from service.settings import GatewaySettings

DOCUMENT_PATH = Path("docs/openapi.json")


def render() -> str:
    """The document as text: the same for the same code and library versions, whatever the settings."""
    with tempfile.TemporaryDirectory() as folder:
        document = create_app(GatewaySettings(data_dir=Path(folder))).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT_PATH.write_text(render(), "utf-8")
