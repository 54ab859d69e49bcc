"""Merging large checkpoints by streaming, against mergekit and against reading and writing alone.

`python -m benchmarks.streaming [--quick] [--mergekit PATH_TO_PYTHON] [--models 2 8] [--folder FOLDER]`
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import streaming_models as models
from benchmarks.streaming_runs import METHODS, Measured, Setting, measure
from benchmarks.streaming_truth import share_correctly_rounded

_QUICK = models.Size(layers=4, vocabulary=24_000)
_FULL = models.Size(layers=24, vocabulary=151_936)


def main() -> None:
    """Print a table, then the metrics as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small models, one repetition")
    parser.add_argument(
        "--mergekit", help="a Python that has mergekit installed; without it the peer's metrics are null"
    )
    parser.add_argument("--models", type=int, nargs="+", default=None, help="how many models are merged (2 8)")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--folder", help="where the models are made; they are removed in the end")
    arguments = parser.parse_args()
    counts = arguments.models or ([2] if arguments.quick else [2, 8])
    folder = Path(tempfile.mkdtemp(prefix="streaming-", dir=arguments.folder))
    try:
        metrics = _run(folder, arguments, counts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(metrics))


def _run(folder: Path, arguments: argparse.Namespace, counts: list[int]) -> dict[str, Any]:
    size = _QUICK if arguments.quick else _FULL
    _say(f"making {max(counts) + 1} models of {size.parameters / 1e6:.0f} million parameters")
    models.make(folder, size, max(counts) + 1)
    measured: list[Measured] = []
    for count in counts:
        for method in arguments.methods:
            setting = Setting(folder, method, count)
            for _ in range(arguments.repetitions):
                for who in ("floor", "stored floor", "ours", *(["mergekit"] if arguments.mergekit else [])):
                    _say(f"{who}: {method} of {count} models")
                    measured.append(measure(who, setting, arguments.mergekit))
                    if who in {"ours", "mergekit"} and measured[-1].correct is None:
                        measured[-1].correct = share_correctly_rounded(setting, folder / who, arguments.quick)
                    last = measured[-1]
                    _say(f"  {last.wall:.1f} s, CPU {last.cpu:.1f} s, {last.peak_mb:.0f} MB, correct {last.correct}")
                    shutil.rmtree(folder / who, ignore_errors=True)
    _table(measured, arguments.mergekit)
    return _metrics(measured, counts[0])


def _table(measured: list[Measured], mergekit: str | None) -> None:
    print(f"{'':37}{'whole process':>18}{'inside':>18}")
    heads = f"{'who':13}{'method':17}{'models':>7}" + f"{'wall s':>9}{'CPU s':>9}" * 2
    print(f"{heads}{'peak MB':>9}{'correctly rounded':>20}")
    for item in measured:
        share = "-" if item.correct is None else f"{item.correct:.6f}"
        times = (item.wall, item.cpu, item.inside_wall, item.inside_cpu)
        columns = "".join(f"{seconds:9.2f}" for seconds in times)
        print(f"{item.who:13}{item.method:17}{item.models:7}{columns}{item.peak_mb:9.0f}{share:>20}")
    if mergekit is None:
        print("mergekit was not run: name a Python that has it with --mergekit. Its metrics are null.")


def _metrics(measured: list[Measured], count: int) -> dict[str, Any]:
    def median(who: str, method: str, field: str) -> float | None:
        values = [
            getattr(item, field) for item in measured if (item.who, item.method, item.models) == (who, method, count)
        ]
        return statistics.median(values) if values and None not in values else None

    def ratio(one: float | None, other: float | None) -> float | None:
        return one / other if one and other else None

    def worst(who: str) -> float | None:
        return max((item.peak_mb for item in measured if item.who == who), default=None)

    def correct(who: str) -> float | None:
        shares = [item.correct for item in measured if item.who == who and item.correct is not None]
        return min(shares) if shares else None

    def over(one: str, other: str, method: str) -> dict[str, float | None]:
        return {
            field: ratio(median(one, method, field), median(other, method, field))
            for field in ("wall", "cpu", "inside_wall", "inside_cpu")
        }

    metrics: dict[str, Any] = {f"{method}_speedup": over("mergekit", "ours", method) for method in METHODS}
    return metrics | {
        "linear_over_floor": over("ours", "floor", "linear"),
        "linear_over_stored_floor": over("ours", "stored floor", "linear"),
        "peak_mb": worst("ours"),
        "peer_peak_mb": worst("mergekit"),
        "correctly_rounded": correct("ours"),
        "peer_correctly_rounded": correct("mergekit"),
        "runs": [asdict(item) for item in measured],
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
