"""The demo's measurements, as a table in the terminal and as a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from examples.demo.exam import Scores

_STYLES: dict[str, dict[str, Any]] = {
    "fine-tuned": {"color": "#8a8a8a", "marker": "s", "linestyle": "--"},
    "ODE-M": {"color": "#1f6fb4", "marker": "o", "linestyle": "-"},
    "averaging": {"color": "#d1762c", "marker": "^", "linestyle": "-"},
    "zero-shot": {"color": "#c9c9c9", "marker": "v", "linestyle": ":"},
}


def mean(scores: Scores) -> float:
    """The mean accuracy over the tasks."""
    return sum(scores.values()) / len(scores)


@dataclass(frozen=True)
class Row:
    """Accuracies on the tasks merged so far, in order of arrival; `fine_tuned` is each task's own model."""

    merged: Scores
    averaged: Scores
    fine_tuned: Scores
    zero_shot: Scores

    @property
    def contestants(self) -> dict[str, Scores]:
        """The four, by the names that people see."""
        return {
            "fine-tuned": self.fine_tuned,
            "ODE-M": self.merged,
            "averaging": self.averaged,
            "zero-shot": self.zero_shot,
        }


def table(row: Row) -> str:
    """The row as lines of percentages, one for each contestant."""
    names = list(row.merged)
    lines = [f"  {'':<12}" + "".join(f"{name:>10}" for name in names) + f"{'mean':>10}"]
    for who, scores in row.contestants.items():
        cells = "".join(f"{100 * scores[name]:>10.1f}" for name in names)
        lines.append(f"  {who:<12}{cells}{100 * mean(scores):>10.1f}")
    return "\n".join(lines)


def plot(rows: list[Row], file: Path) -> None:
    """Write a PNG: mean accuracy over the stream, and the accuracy of each task at its end."""
    mpl.use("Agg")
    chart = Figure(figsize=(11, 4.6), layout="constrained")
    stream, tasks = chart.subplots(1, 2, width_ratios=(1, 1.35))
    _plot_stream(stream, rows)
    _plot_tasks(tasks, rows[-1])
    for axes in (stream, tasks):
        axes.set_ylim(0, 105)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
    chart.suptitle(f"{len(rows)} fine-tuned CLIP models merged one by one: accuracy on held-out images (%)")
    chart.savefig(file, dpi=150)


def _plot_stream(axes: Axes, rows: list[Row]) -> None:
    steps = np.arange(1, len(rows) + 1)
    for who, style in _STYLES.items():
        axes.plot(steps, [100 * mean(row.contestants[who]) for row in rows], label=who, **style)
    names = list(rows[-1].merged)
    axes.set_xticks(steps, [f"{step}\n+{name}" for step, name in zip(steps, names, strict=True)], fontsize=8)
    axes.set_xlabel("models merged")
    axes.set_title("mean over the tasks so far", fontsize=10)


def _plot_tasks(axes: Axes, row: Row) -> None:
    positions = np.arange(len(row.merged))
    width = 0.8 / len(_STYLES)
    for number, (who, style) in enumerate(_STYLES.items()):
        at = positions + (number - (len(_STYLES) - 1) / 2) * width
        axes.bar(at, [100 * row.contestants[who][name] for name in row.merged], width, label=who, color=style["color"])
    axes.set_xticks(positions, list(row.merged), fontsize=9)
    axes.set_title("each task after the last merge", fontsize=10)
    axes.legend(ncols=len(_STYLES), fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
