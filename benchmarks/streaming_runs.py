"""One merge in a process of its own, on one core: by the engine, by mergekit, or only its reading and writing."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

METHODS: Final = ("linear", "task_arithmetic", "ties")
SCALING: Final = 0.3
DENSITY: Final = 0.2


@dataclass(frozen=True)
class Setting:
    """Which method merges how many of the models in a folder. linear: their mean; ties: of task vectors."""

    folder: Path
    method: str
    models: int

    @property
    def paths(self) -> list[Path]:
        """The base's file first."""
        return [self.folder / f"model{index}" / "model.safetensors" for index in range(self.models + 1)]


@dataclass
class Measured:
    """wall and cpu in seconds, of the whole process and (inside) without its start and imports.

    peak_mb: the most memory beside the page cache; correct: share of elements.
    """

    who: str
    method: str
    models: int
    wall: float
    cpu: float
    inside_wall: float
    inside_cpu: float
    peak_mb: float
    correct: float | None = None


def measure(who: str, setting: Setting, mergekit: str | None) -> Measured:
    """Run it and watch it. Raises CalledProcessError."""
    output = setting.folder / who
    output.mkdir()
    if who == "mergekit":
        assert mergekit is not None
        config = setting.folder / "config.yaml"
        config.write_text(json.dumps(_config(setting)))  # JSON is YAML
        command = [mergekit, str(Path(__file__).with_name("streaming_peer.py")), str(config), str(output)]
    else:
        command = [sys.executable, "-m", "benchmarks.streaming_jobs", who, setting.method, str(output)]
        command += [str(path) for path in setting.paths]
    return _watch(who, setting, command)


def _watch(who: str, setting: Setting, command: list[str]) -> Measured:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    core = max(os.sched_getaffinity(0))
    with (setting.folder / "log").open("wb") as log, (setting.folder / "errors").open("wb") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(["taskset", "-c", str(core), *command], env=environment, stdout=log, stderr=errors)
        peak = 0.0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _memory(process.pid))
            time.sleep(0.02)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print((setting.folder / "errors").read_text(errors="replace")[-3000:], file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, command)
    inside = json.loads((setting.folder / "log").read_text(errors="replace").strip().splitlines()[-1])
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(who, setting.method, setting.models, wall, cpu, inside["inside_wall"], inside["inside_cpu"], peak)


def _memory(pid: int) -> float:
    """Megabytes that are not of files: mapped inputs are page cache, which the kernel takes back at will."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    memory = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return (int(memory.get("RssAnon", 0)) + int(memory.get("RssShmem", 0))) / 1024


def _config(setting: Setting) -> dict[str, object]:
    weight = {"linear": 1.0, "task_arithmetic": SCALING, "ties": 1.0}[setting.method]
    parameters = {"weight": weight} | ({"density": DENSITY} if setting.method == "ties" else {})
    base, *models = (str(path.parent) for path in setting.paths)
    config: dict[str, object] = {
        "merge_method": setting.method,
        "dtype": "bfloat16",
        "models": [{"model": model, "parameters": parameters} for model in models],
    }
    return config if setting.method == "linear" else config | {"base_model": base}
