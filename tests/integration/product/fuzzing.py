"""Schemathesis on a real gateway with authentication on.

For longer than CI does: `python -m tests.integration.product.fuzzing --seconds 600`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.gateway import Gateway
from benchmarks.harness.state_reader import LedgerReader
from registry.blobs.files import FileBlobStore
from registry.blobs.manifests import FileManifests
from registry.state.state_store import StateStore
from standalone.valkey import EmbeddedValkey
from tests.integration.access.gateway import gateway_with_keys, send_blob
from tests.integration.ledger.conftest import Ledger

_ROOT = Path(__file__).parents[3]
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
)
_SETTINGS = {
    "ODEM_EVENTS_SECONDS": "0.05",
    "ODEM_MAX_WAIT_SECONDS": "0",
    "ODEM_IDLE_SECONDS": "5",
    "ODEM_RATE_LIMIT": "0",
}


@dataclass(frozen=True)
class Fuzzed:
    """What a run said. cases: how many requests were made."""

    status: int
    seed: int
    cases: int
    text: str


def fuzz(folder: Path, seconds: float, seed: int) -> Fuzzed:
    """Run schemathesis for about so long over a gateway, a store and things of its own."""
    with EmbeddedValkey(folder / "valkey") as valkey:
        gateway = gateway_with_keys(valkey, folder / "data", **_SETTINGS).start()
        try:
            things, token = _furnish(gateway, valkey, folder / "data")
            return _run(folder, gateway, things, token, seconds, seed)
        finally:
            gateway.close()


def _furnish(gateway: Gateway, valkey: EmbeddedValkey, data: Path) -> tuple[dict[str, list[object]], str]:
    """Put one of everything there; returns the names and an admin's token."""
    _, admin = gateway.key("admin")
    state = StateStore.open(valkey.url)
    reader = LedgerReader(valkey.url)
    ledger = Ledger(data, state, reader, FileBlobStore(data), FileManifests(data), valkey.url)
    ledger.create("default")
    for _ in range(3):
        ledger.merge("default")
    merge = ledger.enqueue("default")
    blob = send_blob(admin, 1)
    admin.put("/lineages/default/aliases/production", json={"version": "1"})
    upload = admin.post("/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "100"})
    state.close()
    reader.close()
    things: dict[str, list[object]] = {
        "name": ["default", "fresh"],
        "lineage": ["default"],
        "version": ["1", "latest", "default@2", "production", "0"],
        "a": ["1", "latest", "default@2"],
        "b": ["0", "default@1"],
        "alias": ["production", "staging"],
        "number": [0, 1, 2],
        "merge_id": [merge.id],
        "digest": [blob],
        "base": [blob],
        "checkpoint": [blob],
        "upload_id": [upload.headers.get("location", "").rpartition("/")[2]],
        "recipe": [{"method": "average"}],
        "architecture": [None],
    }
    return things, str(admin.headers["authorization"])


def _run(
    folder: Path, gateway: Gateway, things: dict[str, list[object]], token: str, seconds: float, seed: int
) -> Fuzzed:
    """Single requests first, then chains of them, each with a share of the time: the first would take all of it."""
    environment = {
        **os.environ,
        "FUZZ_THINGS": json.dumps(things),
        "SCHEMATHESIS_HOOKS": "tests.integration.product.fuzz_hooks",
        "PYTHONPATH": str(_ROOT),
        "COLUMNS": "160",
    }
    status, text = 0, ""
    for phases, share in (("examples,coverage,fuzzing", 0.6), ("stateful", 0.4)):
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{gateway.url}/openapi.json",
            f"--header=Authorization:{token}",
            f"--checks={','.join(_CHECKS)}",
            f"--seed={seed}",
            f"--max-time={share * seconds:g}",
            f"--phases={phases}",
            "--continue-on-failure",
            "--request-timeout=60",
            "--warnings=off",
            "--no-color",
            "--generation-database=none",
        ]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        status, text = max(status, done.returncode), text + done.stdout + done.stderr
    cases = sum(int(number.replace(",", "")) for number in re.findall(r"([\d,]+) generated", text))
    return Fuzzed(status, seed, cases, text)


def main() -> int:
    """Run it and print what came of it; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = fuzz(Path(folder), asked.seconds, asked.seed)
    print(result.text)
    print(f"seed {result.seed}, {result.cases} cases, exit status {result.status}")
    return int(result.status != 0)


if __name__ == "__main__":
    sys.exit(main())
