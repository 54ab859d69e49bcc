"""The report: tables of what was measured, as Markdown."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from benchmarks.quality import metrics
from benchmarks.quality.measurements import DEFAULT, Measured, Scale, best_data_free
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import IMPORTANT

_PACKAGES: Final = ("torch", "transformers", "timm", "numpy")
_TITLES: Final = {
    "text": "Sentence encoder (MiniLM, 22.7 million parameters), tasks from WordNet",
    "image": "ImageNet backbone (EfficientNet-Lite0, 3.4 million parameters), image tasks",
    "zoo": "Small CLIP models trained from nothing (a fixture of tests; says nothing about quality)",
}


def head(command: str) -> str:
    """Title, and how the report was made."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"""# Quality of the merges

Made by `{command}` on {os.cpu_count()} CPU cores
({platform.machine()}, no GPU), Python {platform.python_version()}, {packages}.

[benchmarks/README.md](../../benchmarks/README.md) describes models, tasks and protocol. Accuracies are percentages of
test samples, which decided nothing; ± is the standard deviation over orders of the same tasks. An evaluation is one
gradient of all samples of the calibration memory. *of fine-tuned* is the mean accuracy divided by that of the tasks'
own fine-tuned models."""


def family(name: str, measured: Measured, scale: Scale, ceiling: float | None) -> str:
    """The part about one family of models."""
    parts = [f"## {_TITLES[name]}"]
    for length in scale.lengths:
        runs = measured.by_length[length]
        parts.append(_comparison(length, runs, measured, ceiling if length == scale.headline else None))
    parts += [f"![Mean accuracy of each method]({name}.png)", _parameters(measured), _utilities(measured)]
    if scale.budgets:
        parts.append(_budgets(measured, scale))
    return "\n\n".join(part for part in parts if part)


def _comparison(length: int, runs: Mapping[str, Sequence[Run]], measured: Measured, ceiling: float | None) -> str:
    one = next(iter(runs.values()))[0]
    joint = "" if ceiling is None else f"; one model fine-tuned on all of them {100 * ceiling:.1f}"
    text = (
        f"Tasks: {', '.join(sorted(one.tasks))}. Pretrained weights {100 * metrics.mean(one.base):.1f}; "
        f"fine-tuned models, each on its own task, {100 * metrics.mean(one.alone):.1f}{joint}. "
        f"Best data-free method: {best_data_free(runs, measured.recipes)}."
    )
    rows = [
        [
            name,
            _percent([metrics.acc(run) for run in several]),
            f"{100 * metrics.mean([metrics.kept(run) for run in several]):.1f}",
            _percent([metrics.worst(run) for run in several]),
            _percent([metrics.bwt(run) for run in several]),
            f"{metrics.mean([run.evaluations for run in several]) / max(1, length - 1):.1f}",
            f"{metrics.mean([run.seconds for run in several]):.0f}",
            str(len(several)),
        ]
        for name, several in sorted(runs.items(), key=lambda item: -sum(map(metrics.acc, item[1])))
    ]
    columns = ["method", "mean accuracy", "of fine-tuned", "worst task", "backward transfer"]
    return "\n\n".join(
        [
            f"### {length} tasks",
            text,
            table([*columns, "evaluations a merge", "seconds", "orders"], rows),
        ]
    )


def _parameters(measured: Measured) -> str:
    rows = [[name, f"`{_shown(recipe)}`"] for name, recipe in measured.recipes.items() if len(recipe) > 1]
    text = "Parameters of baselines are those with the best accuracy on the validation samples of a stream of its own."
    return f"### Parameters\n\n{text}\n\n{table(['method', 'parameters'], rows)}"


def _utilities(measured: Measured) -> str:
    if not measured.utilities:
        return ""
    rows = [
        [name, _percent([metrics.weighted(run) for run in runs]), _percent([metrics.acc(run) for run in runs])]
        for name, runs in (
            ("T by utilities", measured.utilities["ode_utilities"]),
            ("T = 1/k", measured.utilities["ode_uniform"]),
        )
    ]
    text = f"{DEFAULT}; every third task, from the second on, is {IMPORTANT:g} times as important as the others."
    return f"### Utilities\n\n{text}\n\n{table(['operating time', 'weighted accuracy', 'mean accuracy'], rows)}"


def _budgets(measured: Measured, scale: Scale) -> str:
    names = list(measured.by_budget[scale.budgets[0]])
    rows = [
        [name, *(_percent([metrics.acc(run) for run in measured.by_budget[b][name]]) for b in scale.budgets)]
        for name in names
    ]
    text = f"Mean accuracy on {scale.headline} tasks by the samples that the calibration memory holds, one order."
    return f"### Memory\n\n{text}\n\n{table(['method', *map(str, scale.budgets)], rows)}"


def _percent(values: Sequence[float]) -> str:
    text = f"{100 * metrics.mean(values):.1f}"
    return text if len(values) == 1 else f"{text} ± {100 * metrics.spread(values):.1f}"


def _shown(recipe: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in recipe.items() if name != "method")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)
