"""`python -m benchmarks.quality [--models text image] [--quick] [--out FOLDER]`: measure, report, print the metrics."""

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.quality import joint, material, measurements, metrics, plots, report, tuning
from benchmarks.quality.jobs import Jobs
from benchmarks.quality.material import Family
from benchmarks.quality.measurements import DEFAULT, REPLAY, Measured, Scale, measure
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.streams import BUDGET, ORDERS

_QUICK_METHODS: Final = ("average", "task_arithmetic", "ties", "magmax", "opcm", REPLAY, DEFAULT)
_QUICK_CHOSEN: Final[dict[str, Recipe]] = {
    "ties": {"method": "ties", "density": 0.2, "scaling": 0.8},
    REPLAY: {"method": "replay", "rate": 1e-4, "steps": 10},
}


def main() -> None:
    """Measure each family and write the report."""
    given = _arguments()
    torch.set_num_threads(1)
    parts = [report.head(shlex.join(["python", "-m", "benchmarks.quality", *sys.argv[1:]]))]
    by_family = {}
    for family in given.models:
        scale = _scale(family, given)
        material.build(family, given.cache, scale.tasks)
        with Jobs(family, given.cache, given.processes, keep=given.keep) as jobs:
            measured = measure(jobs, _recipes(jobs, scale, given), scale)
        ceiling = None
        if given.ceiling:
            tasks = scale.tasks[: scale.headline]
            ceiling = joint.ceiling(family, given.cache, material.read(family, given.cache, tasks), tasks)
        parts.append(report.family(family, measured, scale, ceiling))
        by_family[family] = _metrics(measured, scale, ceiling)
        if given.out is not None:
            given.out.mkdir(parents=True, exist_ok=True)
            plots.accuracies(measured, scale, given.out / f"{family}.png")
    text = "\n\n".join(parts) + "\n"
    if given.out is not None:
        (given.out / "quality.md").write_text(text)
    print(text)
    print(json.dumps(by_family))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=main.__doc__)
    parser.add_argument("--models", nargs="+", choices=("text", "image", "zoo"), default=["text", "image"])
    parser.add_argument("--quick", action="store_true", help="four tasks, few methods, one or two orders")
    parser.add_argument("--out", type=Path, help="write the report and its pictures there, such as docs/benchmarks")
    parser.add_argument("--cache", type=Path, default=Path(".cache/quality"), help="where models and runs are kept")
    parser.add_argument("--keep", action="store_true", help="reuse runs that other versions of the code left")
    parser.add_argument("--processes", type=int, help="number of processes, by default one for each core")
    parser.add_argument("--budget", type=int, default=BUDGET, help="samples in the calibration memory")
    parser.add_argument("--budgets", type=int, nargs="*", default=[], help="sizes of memory to compare")
    parser.add_argument("--lengths", type=int, nargs="+", default=measurements.LENGTHS, help="tasks in a stream")
    parser.add_argument("--orders", type=int, nargs="+", default=ORDERS, help="seeds of the streams' orders")
    parser.add_argument(
        "--network-orders", type=int, nargs="+", default=ORDERS, help="the same for methods that run the network"
    )
    parser.add_argument("--utilities", action="store_true", help="streams with unequal utilities too")
    parser.add_argument("--methods", nargs="+", help="names of the methods to compare, by default all")
    parser.add_argument("--ceiling", action="store_true", help="train one model on all tasks too")
    return parser.parse_args()


def _scale(family: Family, given: argparse.Namespace) -> Scale:
    tasks = material.tasks_of(family)
    if given.quick:
        orders = (1, 2) if family == "zoo" else (1,)
        return Scale(tasks, (4,), orders, orders, budget=256, utilities=True).fitting()
    return Scale(
        tasks,
        tuple(given.lengths),
        tuple(given.orders),
        tuple(given.network_orders),
        given.budget,
        tuple(given.budgets),
        utilities=given.utilities,
    ).fitting()


def _recipes(jobs: Jobs, scale: Scale, given: argparse.Namespace) -> Mapping[str, Recipe]:
    """The recipes by the methods' names, with parameters chosen on validation samples where there is a choice."""
    every = measurements.recipes()
    if given.quick:
        return {name: _QUICK_CHOSEN.get(name, every[name]) for name in _QUICK_METHODS}
    if given.methods:
        every = {name: recipe for name, recipe in every.items() if name in given.methods}
    return tuning.choose(jobs, every, scale.tasks, scale.budget)


def _metrics(measured: Measured, scale: Scale, ceiling: float | None) -> dict[str, Any]:
    """Means over the orders of the headline's streams."""
    runs = measured.by_length[scale.headline]
    one = next(iter(runs.values()))[0]
    means = {
        key: {name: metrics.mean([metric(run) for run in several]) for name, several in runs.items()}
        for key, metric in metrics.METRICS.items()
    }
    return {
        "base": metrics.mean(one.base),
        "finetuned": metrics.mean(one.alone),
        **means,
        "evaluations": {name: metrics.mean([run.evaluations for run in several]) for name, several in runs.items()},
        "utility_weighted": {
            name: metrics.mean([metrics.weighted(run) for run in several])
            for name, several in measured.utilities.items()
        }
        or None,
        "ceiling": ceiling,
    }


if __name__ == "__main__":
    main()
