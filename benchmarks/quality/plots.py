"""The report's pictures."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.quality import metrics
from benchmarks.quality.measurements import Measured, Scale

_SHOWN: Final = 8
"""Lines in a picture: the best methods, and the average."""
_COLOURS: Final = ("#1f6fb4", "#d1762c", "#3a8f4d", "#a03c8c", "#7a6a52", "#c0392b", "#5b6abf", "#1c9c9c", "#8a8a8a")


def by_number_of_tasks(measured: Measured, scale: Scale, file: Path) -> None:
    """Mean accuracy of base, fine-tuned models and methods on streams of each length."""
    mpl.use("Agg")
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    lengths = list(scale.lengths)
    first = {length: next(iter(measured.by_length[length].values()))[0] for length in lengths}
    for label, style, accuracies_of in (("fine-tuned models", "--", "alone"), ("pretrained", ":", "base")):
        values = [100 * metrics.mean(getattr(first[length], accuracies_of)) for length in lengths]
        axes.plot(lengths, values, linestyle=style, color="#333333", linewidth=1.0, label=label)
    accuracies = {
        name: [100 * metrics.mean([metrics.acc(run) for run in measured.by_length[n][name]]) for n in lengths]
        for name in measured.recipes
    }
    ranked = sorted(accuracies, key=lambda name: -accuracies[name][lengths.index(scale.headline)])
    shown = [*ranked[:_SHOWN], *(name for name in ranked[_SHOWN:] if name == "average")]
    for name, colour in zip(shown, _COLOURS, strict=False):
        axes.plot(lengths, accuracies[name], marker="o", markersize=4, color=colour, label=name)
    axes.set_xticks(lengths)
    axes.set_xlabel("checkpoints merged")
    axes.set_ylabel("mean accuracy (%)")
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=130, metadata={"Software": None})
