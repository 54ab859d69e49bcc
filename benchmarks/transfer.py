"""Transfer: how fast files come in and go out, beside what the disk, the HTTP server and nginx can do.

`python -m benchmarks.transfer [--quick] [--folder FOLDER]`. Real processes: Valkey, the gateway, a handler on the same
HTTP server that only discards, nginx where there is one. They take turns, round after round, in one session.
"""

import argparse
import json
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from benchmarks.transfer_peers import Peer, disk, start_discard, start_gateway, start_nginx
from benchmarks.transfer_wire import Asker, download, upload
from standalone.valkey import EmbeddedValkey

_PIECE = 64 << 20
_BETWEEN_ASKS = 0.01


@dataclass(frozen=True)
class Plan:
    """Bytes of the file, and how often each takes its turn."""

    size: int = 1 << 30
    rounds: int = 5


QUICK = Plan(size=256 << 20, rounds=3)


@dataclass(frozen=True)
class Metrics:
    """See benchmarks/README.md."""

    upload_over_limit: float
    download_over_nginx: float | None
    gateway_peak_mb: float
    small_p50_ms_during_uploads: float
    upload_mb_per_s: float
    upload_cpu_s_per_gb: float
    discard_mb_per_s: float
    discard_cpu_s_per_gb: float
    disk_mb_per_s: float
    disk_cpu_s_per_gb: float
    download_mb_per_s: float
    download_cpu_s_per_gb: float
    nginx_mb_per_s: float | None
    small_p99_ms_during_uploads: float


@dataclass
class Runs:
    """Wall and processor seconds of one contender's turns."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall: float, cpu: float) -> None:
        """Note one turn."""
        self.wall.append(wall)
        self.cpu.append(cpu)

    def timed(self, peer: Peer, run: Callable[[], float]) -> None:
        """Take a turn, with what it costs the server."""
        before = peer.cpu
        wall = run()
        self.add(wall, peer.cpu - before)

    @property
    def seconds(self) -> float:
        """Wall seconds of the median turn."""
        return statistics.median(self.wall)

    def rate(self, size: int) -> float:
        """MB (of a million bytes) a second."""
        return size / 1e6 / self.seconds

    def cpu_per_gb(self, size: int) -> float:
        """Processor seconds for a GB (of 10^9 bytes)."""
        return statistics.median(self.cpu) / (size / 1e9)


def write_file(path: Path, size: int) -> int:
    """A safetensors file of one tensor of about so many bytes, of random ones; returns its size."""
    count = size // 4
    entry = {"weight": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}
    header = json.dumps(entry).encode()
    with Path("/dev/urandom").open("rb") as noise, path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for start in range(0, 4 * count, _PIECE):
            file.write(noise.read(min(_PIECE, 4 * count - start)))
    return path.stat().st_size


def small_requests(gateway: Peer, file: Path) -> list[float]:
    """Milliseconds of small requests, one after another, for as long as two uploads last."""
    command = [sys.executable, "-m", "benchmarks.transfer_wire", str(gateway.port), "/blobs", str(file)]
    asker, milliseconds = Asker(gateway.port, "/models/bench@0"), []
    asker.ask()
    uploads = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    while any(process.poll() is None for process in uploads):
        milliseconds.append(1000 * asker.ask())
        time.sleep(_BETWEEN_ASKS)
    if any(process.returncode for process in uploads):
        raise RuntimeError("an upload failed")
    return sorted(milliseconds)


def measure(plan: Plan, folder: Path) -> Metrics:
    """All contenders, by turns."""
    file = folder / "file.safetensors"
    size = write_file(file, plan.size)
    data = folder / "data"
    data.mkdir()
    ours, discarded, copied, sent, peer = Runs(), Runs(), Runs(), Runs(), Runs()
    with EmbeddedValkey(data / "valkey") as valkey:
        gateway, discard, nginx = (
            start_gateway(valkey, data),
            start_discard(folder),
            start_nginx(folder / "nginx", folder),
        )
        try:
            _prepare(gateway, file)
            for number in range(plan.rounds):
                ours.timed(gateway, lambda: upload(gateway.port, "/blobs", file))
                discarded.timed(discard, lambda: upload(discard.port, "/", file))
                copied.add(*disk(file, folder))
                sent.timed(gateway, lambda: download(gateway.port, "/models/bench@0/weights", size))
                if nginx is not None:
                    peer.timed(nginx, lambda at=nginx.port: download(at, f"/{file.name}", size))  # type: ignore[misc]
                _say(f"round {number + 1} of {plan.rounds}: {ours.wall[-1]:.2f} s up, {sent.wall[-1]:.2f} s down")
            small = small_requests(gateway, file)
            return _metrics(size, ours, discarded, copied, sent, peer, small, gateway.peak_mb)
        finally:
            for each in (gateway, discard, nginx):
                if each is not None:
                    each.stop()


def _prepare(gateway: Peer, file: Path) -> None:
    """A lineage whose version 0 is the file."""
    url = f"http://127.0.0.1:{gateway.port}"
    with httpx.Client(base_url=url, trust_env=False, timeout=600) as client, file.open("rb") as body:
        digest = client.post("/blobs", content=body).raise_for_status().json()["digest"]
        document = {"name": "bench", "base": digest, "recipe": {"method": "average"}}
        client.post("/lineages", json=document).raise_for_status()


def _metrics(
    size: int, ours: Runs, discarded: Runs, copied: Runs, sent: Runs, peer: Runs, small: list[float], peak: float
) -> Metrics:
    return Metrics(
        upload_over_limit=ours.seconds / max(discarded.seconds, copied.seconds),
        download_over_nginx=peer.seconds / sent.seconds if peer.wall else None,
        gateway_peak_mb=peak,
        small_p50_ms_during_uploads=statistics.median(small),
        upload_mb_per_s=ours.rate(size),
        upload_cpu_s_per_gb=ours.cpu_per_gb(size),
        discard_mb_per_s=discarded.rate(size),
        discard_cpu_s_per_gb=discarded.cpu_per_gb(size),
        disk_mb_per_s=copied.rate(size),
        disk_cpu_s_per_gb=copied.cpu_per_gb(size),
        download_mb_per_s=sent.rate(size),
        download_cpu_s_per_gb=sent.cpu_per_gb(size),
        nginx_mb_per_s=peer.rate(size) if peer.wall else None,
        small_p99_ms_during_uploads=small[int(0.99 * len(small))],
    )


def table(metrics: Metrics) -> str:
    """Format the metrics as a table."""
    lines = [f"{name:<30} {value:10.3f}" for name, value in asdict(metrics).items() if value is not None]
    if metrics.download_over_nginx is None:
        lines.append("nginx is not installed on this machine, so there is nothing to compare downloads with.")
    return "\n".join(lines)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller file, fewer rounds")
    parser.add_argument("--folder", type=Path, help="a folder on the disk that is to be measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        metrics = measure(QUICK if arguments.quick else Plan(), Path(folder))
    print(table(metrics))
    print(json.dumps(asdict(metrics)))


if __name__ == "__main__":
    main()
