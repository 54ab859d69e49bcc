"""`python -m benchmarks.quality [--quick] [--out FOLDER]`: measure, write the report, print the figures."""

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks import zoo
from benchmarks.quality import figures, plots, report, tuning
from benchmarks.quality.jobs import Jobs
from benchmarks.quality.joint import joint
from benchmarks.quality.material import Material
from benchmarks.quality.measurements import BUDGETS, DEFAULT, SMALL_STEPS, Measured, Scale, measure
from benchmarks.quality.mergers import Recipe
from benchmarks.quality.streams import BUDGET, LENGTHS, ORDERS, PLAN
from benchmarks.zoo.training import Schedule

_QUICK_TASKS: Final = ("stripes", "colours", "signs", "shapes")
_QUICK_PLAN: Final = zoo.Plan(
    tasks=_QUICK_TASKS,
    mixture=_QUICK_TASKS,
    pretraining=Schedule(steps=150, batch=64, rate=2e-3),
    fine_tuning=Schedule(steps=80, batch=64, rate=1.5e-3),
    calibration_size=160,
    test_size=300,
)
_QUICK_SCALE: Final = Scale(
    lengths=(4,),
    orders=(1, 2),
    budget=256,
    ablation_length=4,
    ablation_orders=(),
    fine_orders=(),
    budgets=(),
    tasks=_QUICK_TASKS,
    own=(DEFAULT,),
)
_QUICK_CHOSEN: Final[dict[str, Recipe]] = {
    "average": {"method": "average"},
    "task_arithmetic": {"method": "task_arithmetic", "scaling": 0.3},
    "ties": {"method": "ties", "density": 0.2, "scaling": 0.8},
    "magmax": {"method": "magmax", "scaling": 0.3},
    "opcm": {"method": "opcm", "alpha": 0.5},
    "replay": {"method": "replay", "rate": 1e-4, "steps": 10},
}
_JOINT_STEPS: Final = 1200
_QUICK_JOINT_STEPS: Final = 60


def main() -> None:
    """Measure and tell."""
    given = _arguments()
    began = time.monotonic()
    plan, scale = (_QUICK_PLAN, _QUICK_SCALE) if given.quick else (PLAN, _scale(given))
    torch.set_num_threads(1)
    material = Material(zoo.build(given.cache, plan))
    with Jobs(plan, given.cache, given.processes) as jobs:
        measured = measure(jobs, dict(_QUICK_CHOSEN) if given.quick else _chosen(jobs, scale), scale)
    ceiling = _ceiling(plan, given.cache, material, measured, _QUICK_JOINT_STEPS if given.quick else _JOINT_STEPS)
    command = shlex.join(["python", "-m", "benchmarks.quality", *sys.argv[1:]])
    text = report.render(measured, scale, ceiling, command, time.monotonic() - began)
    if given.out is not None:
        _write(given.out, text, measured)
    print(text)
    print(json.dumps(_figures(measured, scale, ceiling)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="four tasks, little training: about a minute")
    parser.add_argument("--out", type=Path, help="write the report and its pictures there, such as docs/benchmarks")
    parser.add_argument("--cache", type=Path, default=Path(".cache/quality"), help="where models and runs are kept")
    parser.add_argument("--processes", type=int, help="how many runs at once, by default one for each core")
    parser.add_argument("--budget", type=int, default=BUDGET, help="samples in the calibration memory")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="tasks in a stream")
    parser.add_argument("--orders", type=int, nargs="+", default=ORDERS, help="seeds of the streams")
    parser.add_argument(
        "--ablation-orders", type=int, nargs="*", default=ORDERS, help="seeds of the ablations' streams"
    )
    parser.add_argument(
        "--fine-orders", type=int, nargs="*", default=ORDERS, help="seeds of the streams in small steps"
    )
    parser.add_argument("--budgets", type=int, nargs="*", default=BUDGETS, help="sizes of memory to compare")
    return parser.parse_args()


def _scale(given: argparse.Namespace) -> Scale:
    return Scale(
        tuple(given.lengths),
        tuple(given.orders),
        given.budget,
        ablation_orders=tuple(given.ablation_orders),
        fine_orders=tuple(given.fine_orders),
        budgets=tuple(given.budgets),
    )


def _chosen(jobs: Jobs, scale: Scale) -> dict[str, Recipe]:
    """Every other method, with the parameters that did best in validation."""
    best = {method: scored[0][1] for method, scored in tuning.choose(jobs, scale.budget).items()}
    return {"average": {"method": "average"}, "slerp": {"method": "slerp"}, **best}


def _ceiling(plan: zoo.Plan, cache: Path, material: Material, measured: Measured, steps: int) -> dict[int, float]:
    """Mean accuracy of the joint model on the streams of each length."""
    print("the joint model", file=sys.stderr, flush=True)
    parameters = joint(plan, cache, material, steps)
    alone = {name: material.accuracy(parameters, name, "test") for name in plan.tasks}
    return {
        length: figures.mean([figures.mean([alone[task] for task in run.tasks]) for run in runs[DEFAULT]])
        for length, runs in measured.comparison.items()
    }


def _write(folder: Path, text: str, measured: Measured) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quality.md").write_text(text)
    plots.over_the_stream(measured.comparison[max(measured.comparison)], folder / "stream.png")
    of_one_length = max(measured.comparison.values(), key=len)
    fine = of_one_length.get(SMALL_STEPS, of_one_length[DEFAULT])
    plots.along_the_path(fine[0].trace, folder / "path.png")
    if measured.sweeps:
        plots.new_against_old(measured.sweeps, folder / "tradeoff.png")


def _figures(measured: Measured, scale: Scale, ceiling: dict[int, float]) -> dict[str, Any]:
    """The last line: means over the orders of the longest stream."""
    length = max(scale.lengths)
    runs = measured.comparison[length]
    means = {
        key: {name: figures.mean([figure(run) for run in several]) for name, several in runs.items()}
        for key, figure in figures.FIGURES.items()
    }
    return {
        "acc": means["acc"],
        "worst": means["worst"],
        "bwt": means["bwt"],
        "evaluations": {name: figures.mean([run.evaluations for run in several]) for name, several in runs.items()},
        "utility_weighted": {
            name: figures.mean([figures.weighted(run) for run in several])
            for name, several in measured.utilities.items()
        },
        "ceiling": ceiling[length],
    }


if __name__ == "__main__":
    main()
