"""Weights for the clients to send, and programs for them to be killed in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python"
_PIECE = 4_000_000


def safetensors_file(path: Path, numbers: int, seed: int) -> Path:
    """Write a file of one tensor of so many random float32, in pieces."""
    header = json.dumps({"weight": {"dtype": "F32", "shape": [numbers], "data_offsets": [0, numbers * 4]}}).encode()
    header += b" " * (-len(header) % 8)
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for start in range(0, numbers, _PIECE):
            file.write(random.random(min(_PIECE, numbers - start), dtype=np.float32).tobytes())
    return path


def run(program: str, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Run a program with the client alone on its path; returns its status and the JSON that it printed last."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, check=False, timeout=250)
    reported = done.stdout.strip().splitlines()
    assert done.returncode <= 0, done.stderr
    return done.returncode, json.loads(reported[-1]) if reported else {}
