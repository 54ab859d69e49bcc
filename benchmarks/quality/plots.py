"""The report's pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.quality import figures
from benchmarks.quality.protocol import Run

_COLOURS: Final = ("#1f6fb4", "#d1762c", "#3a8f4d", "#a03c8c", "#7a6a52", "#c0392b", "#5b6abf", "#1c9c9c", "#8a8a8a")


def over_the_stream(runs: Mapping[str, Sequence[Run]], file: Path) -> None:
    """Mean accuracy on the tasks so far after each merge: a line for each method, the mean of the orders."""
    figure, axes = _figure()
    for (name, several), colour in zip(runs.items(), _cycle(len(runs)), strict=True):
        paths = 100 * np.array([figures.path(run) for run in several])
        steps = np.arange(1, paths.shape[1] + 1)
        axes.plot(steps, paths.mean(axis=0), marker="o", markersize=3, color=colour, label=name)
        axes.set_xticks(steps)
    axes.set_xlabel("checkpoints merged")
    axes.set_ylabel("mean accuracy on the tasks so far (%)")
    axes.legend(fontsize=8, frameon=False, ncols=2)
    _save(figure, file)


def along_the_path(trace: Sequence[Mapping[str, Any]], file: Path) -> None:
    """The tasks' calibration losses along the path of one merge, and the ceilings that hold them, dashed."""
    figure, axes = _figure()
    path = [step for step in trace if step["phase"] == "merging"]
    names = list(path[0]["losses"])
    for name, colour in zip(names, _cycle(len(names)), strict=True):
        times = [step["t_next"] for step in path]
        axes.plot(times, [step["losses"][name] for step in path], color=colour, marker=".", label=name)
        axes.plot(times, [step["ceilings"].get(name) for step in path], color=colour, linestyle="--", alpha=0.6)
    axes.set_xlabel("t")
    axes.set_ylabel("calibration loss")
    axes.legend(fontsize=8, frameon=False, ncols=2)
    _save(figure, file)


def new_against_old(sweeps: Mapping[str, Sequence[Run]], file: Path) -> None:
    """Accuracy on the last task against the mean on the others, for operating times of its merge; means over orders."""
    figure, axes = _figure()
    for (name, runs), colour in zip(sweeps.items(), _cycle(len(sweeps)), strict=True):
        points = np.array([run.sweep for run in runs]).mean(axis=0)
        axes.plot(100 * points[:, 2], 100 * points[:, 1], color=colour, marker="o", markersize=4, label=name)
        for time, new, old in points:
            axes.annotate(f"{time:.2g}", (100 * old, 100 * new), fontsize=7, xytext=(3, 3), textcoords="offset points")
    axes.set_xlabel("mean accuracy on the tasks before (%)")
    axes.set_ylabel("accuracy on the task that comes last (%)")
    axes.legend(fontsize=8, frameon=False)
    _save(figure, file)


def _figure() -> tuple[Figure, Axes]:
    mpl.use("Agg")
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _cycle(count: int) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(count)]


def _save(figure: Figure, file: Path) -> None:
    """Write a PNG that does not say when it was made."""
    figure.savefig(file, dpi=130, metadata={"Software": None})
