"""The report's pictures."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.quality import metrics
from benchmarks.quality.measurements import Measured, Scale

_SHOWN: Final = 8
"""Number of lines: the best methods, and the average."""
_COLOURS: Final = ("#1f6fb4", "#d1762c", "#3a8f4d", "#a03c8c", "#7a6a52", "#c0392b", "#5b6abf", "#1c9c9c", "#8a8a8a")


def accuracies(measured: Measured, scale: Scale, file: Path) -> None:
    """Mean accuracy of each method on the headline's streams, best first, and on streams of every length."""
    mpl.use("Agg")
    several = len(scale.lengths) > 1
    ranked = _ranked(measured, scale)
    plot = Figure(figsize=(11 if several else 7, 1.4 + 0.22 * len(ranked)), layout="constrained")
    axes = plot.subplots(1, 1 + several, squeeze=False)[0]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.25)
        each.set_axisbelow(True)
    _bars(axes[0], measured, scale, ranked)
    if several:
        _lines(axes[1], measured, scale, ranked)
    plot.savefig(file, dpi=130, metadata={"Software": None})


def _ranked(measured: Measured, scale: Scale) -> list[str]:
    return sorted(measured.recipes, key=lambda name: -_accuracy(measured, scale.headline, name))


def _accuracy(measured: Measured, length: int, name: str) -> float:
    """Mean over tasks and orders, in percent."""
    return 100 * metrics.mean([metrics.acc(run) for run in measured.by_length[length][name]])


def _references(measured: Measured, length: int) -> dict[str, float]:
    """Accuracies of the fine-tuned models and of the pretrained weights, in percent."""
    run = next(iter(measured.by_length[length].values()))[0]
    return {"fine-tuned models": 100 * metrics.mean(run.alone), "pretrained": 100 * metrics.mean(run.base)}


def _bars(axes: Axes, measured: Measured, scale: Scale, ranked: list[str]) -> None:
    values = [_accuracy(measured, scale.headline, name) for name in ranked]
    bars = axes.barh(ranked, values, color=_COLOURS[0], height=0.7)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    axes.invert_yaxis()
    references = _references(measured, scale.headline)
    for (label, value), style in zip(references.items(), ("--", ":"), strict=True):
        axes.axvline(value, color="#333333", linestyle=style, linewidth=1.0, label=f"{label} {value:.1f}")
    axes.set_xlim(min(*values, references["pretrained"]) - 3, references["fine-tuned models"] + 3)
    axes.set_xlabel(f"mean accuracy on {scale.headline} tasks (%)")
    axes.legend(fontsize=8, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    axes.tick_params(axis="y", labelsize=8)


def _lines(axes: Axes, measured: Measured, scale: Scale, ranked: list[str]) -> None:
    lengths = list(scale.lengths)
    for label, style in (("fine-tuned models", "--"), ("pretrained", ":")):
        values = [_references(measured, length)[label] for length in lengths]
        axes.plot(lengths, values, linestyle=style, color="#333333", linewidth=1.0)
    shown = [*ranked[:_SHOWN], *(name for name in ranked[_SHOWN:] if name == "average")]
    for name, colour in zip(shown, _COLOURS, strict=False):
        values = [_accuracy(measured, length, name) for length in lengths]
        axes.plot(lengths, values, marker="o", markersize=4, color=colour, label=name)
    axes.set_xticks(lengths)
    axes.set_xlabel("checkpoints merged")
    axes.set_ylabel("mean accuracy (%)")
    axes.legend(fontsize=8, frameon=False)
