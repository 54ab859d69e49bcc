"""The report: tables of what was measured, as Markdown."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from benchmarks.quality import figures
from benchmarks.quality.measurements import DEFAULT, FINE, Measured, Scale
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import IMPORTANT

_PACKAGES = ("torch", "open_clip_torch", "numpy", "scikit-learn", "scikit-image", "matplotlib")


def render(measured: Measured, scale: Scale, joint: Mapping[int, float], command: str, seconds: float) -> str:
    """The whole report. joint: the ceiling, mean accuracy by stream length. command, seconds: how it was made."""
    parts = [
        _head(command, seconds),
        _comparison(measured, joint),
        _chosen(measured),
        _default_against_fine(measured, scale),
        _ablations(measured) if scale.ablation_orders else "",
        _budgets(measured, scale) if scale.budgets else "",
        _utilities(measured),
        _pictures(measured),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(command: str, seconds: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    machine = f"{os.cpu_count()} cores ({platform.machine()}, no GPU), Python {platform.python_version()}"
    return f"""# Quality of the merges

Made by `{command}` in {seconds / 60:.0f} minutes (runs that were on
disk before are not counted) on {machine}, {packages}.
`benchmarks/README.md` says how to read it. Accuracies are percentages of test images, which decided nothing; ± is the
standard deviation over orders. An evaluation is one gradient of all samples of the calibration memory."""


def _comparison(measured: Measured, joint: Mapping[int, float]) -> str:
    parts = ["## Methods"]
    for length, runs in measured.comparison.items():
        count = len(next(iter(runs.values())))
        parts.append(f"### {length} tasks, {count} orders")
        alone = figures.mean([figures.mean(run.alone) for run in next(iter(runs.values()))])
        parts.append(
            f"Fine-tuned models, each on its own task: {100 * alone:.1f}. One model fine-tuned on all training data of "
            f"all tasks at once: {100 * joint[length]:.1f}."
        )
        parts.append(_runs_table(runs))
        parts.append(_leads(runs))
    return "\n\n".join(parts)


def _leads(runs: Mapping[str, Sequence[Run]]) -> str:
    """How far the default is ahead of each other method: differences order by order, so that the orders' own cancel."""
    rows = []
    for name, several in runs.items():
        if name == DEFAULT:
            continue
        pairs = list(zip(runs[DEFAULT], several, strict=True))
        leads = [[figure(ours) - figure(theirs) for ours, theirs in pairs] for figure in (figures.acc, figures.worst)]
        rows.append([name, *map(_percent, leads)])
    return f"The default less each other, order by order:\n\n{_table(['method', 'ACC', 'worst task'], rows)}"


def _runs_table(runs: Mapping[str, Sequence[Run]]) -> str:
    rows = [
        [
            name,
            _percent([figures.acc(run) for run in several]),
            _percent([figures.worst(run) for run in several]),
            _percent([figures.bwt(run) for run in several]),
            f"{100 * figures.mean([figures.kept(run) for run in several]):.1f}",
            f"{figures.mean([run.evaluations for run in several]):.0f}",
            f"{figures.mean([run.seconds for run in several]):.0f}",
            f"{figures.mean([run.peak_mb for run in several]):.0f}",
        ]
        for name, several in runs.items()
    ]
    head = [
        "method",
        "ACC",
        "worst task",
        "backward transfer",
        "kept of fine-tuned",
        "evaluations",
        "seconds",
        "peak MB",
    ]
    return _table(head, rows)


def _chosen(measured: Measured) -> str:
    rows = [[name, f"`{_said(recipe)}`"] for name, recipe in measured.chosen.items() if len(recipe) > 1]
    text = "Chosen for the best ACC on the validation images of a stream of its own, by the grids of `tuning.py`:"
    return f"### Parameters\n\n{text}\n\n{_table(['method', 'parameters'], rows)}"


def _default_against_fine(measured: Measured, scale: Scale) -> str:
    if not scale.fine_orders:
        return ""
    cost = [figures.mean([run.evaluations for run in measured.fine[name]]) for name in (DEFAULT, FINE)]
    orders = ", ".join(map(str, scale.fine_orders))
    return (
        f"### The default against small steps\n\n{scale.ablation_length} tasks, orders: {orders}. The default takes "
        f"{cost[0] / cost[1]:.2f} of the evaluations of form B at h = 0.01 with the published refinement.\n\n"
        + _runs_table(measured.fine)
    )


def _ablations(measured: Measured) -> str:
    return "## One thing changed of the default\n\n" + _runs_table(measured.ablations)


def _budgets(measured: Measured, scale: Scale) -> str:
    budgets = scale.budgets
    rows = [
        [name, *(_percent([figures.acc(run) for run in by_budget[budget]]) for budget in budgets)]
        for name, by_budget in measured.budgets.items()
    ]
    orders = ", ".join(map(str, scale.budget_orders))
    text = f"ACC on {scale.ablation_length} tasks by the samples that the calibration memory holds; orders: {orders}."
    return f"## Memory\n\n{text}\n\n{_table(['method', *map(str, budgets)], rows)}"


def _utilities(measured: Measured) -> str:
    rows = [
        [name, _percent([figures.weighted(run) for run in runs]), _percent([figures.acc(run) for run in runs])]
        for name, runs in (
            ("T by utilities", measured.utilities["ode_utilities"]),
            ("T = 1/k", measured.utilities["ode_uniform"]),
        )
    ]
    text = f"Every third task, from the second on, is {IMPORTANT:g} times as important as the others."
    return f"## Utilities\n\n{text}\n\n{_table(['operating time', 'weighted accuracy', 'ACC'], rows)}"


def _pictures(measured: Measured) -> str:
    text = """## Pictures

Mean accuracy on the tasks so far, over the longest stream; the mean of the orders.

![accuracy over the stream](stream.png)

Calibration losses along the path of the last merge of one stream, and the ceilings (dashed) that hold them.

![losses along the path](path.png)"""
    if not measured.sweeps:
        return text
    return f"""{text}

The task that comes last against those before, by the operating time of its merge (the numbers in the picture).

![new against old](tradeoff.png)"""


def _percent(values: Sequence[float]) -> str:
    several = list(values)
    text = f"{100 * figures.mean(several):.1f}"
    return text if len(several) == 1 else f"{text} ± {100 * figures.spread(several):.1f}"


def _said(recipe: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in recipe.items() if name != "method")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)
