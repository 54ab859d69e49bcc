"""``python -m examples.demo``: from fine-tuned CLIP checkpoints to one served merged model."""

import argparse
import secrets
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from tqdm import tqdm

from benchmarks import zoo
from examples.demo.client import Client, Json, Refused
from examples.demo.exam import Exam, averaged
from examples.demo.record import Row, mean, plot, table
from examples.demo.service import ServiceFailed, running

_ROOT = Path(__file__).resolve().parents[2]
_COMPARED = 200  # test images per task whose predictions are compared at the end


def main() -> int:
    """Run the demo; the exit status is 0 when the merged model beats plain averaging."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # So that the service is stopped too.
    began = time.monotonic()
    made = zoo.build(arguments.cache)
    print(f"zoo ready after {time.monotonic() - began:.0f} s: {', '.join(task.name for task in made.tasks)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        with nullcontext(arguments.url) if arguments.url else running() as url:
            rows = Demo(Client(url), made, arguments.out).run()
    except (Refused, ServiceFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    picture = arguments.out / "demo.png"
    plot(rows, picture)
    lead = mean(rows[-1].merged) - mean(rows[-1].averaged)
    print(f"\nODE-M leads plain averaging by {100 * lead:+.1f} points; plot: {_short(picture)}")
    print(f"the whole demo took {time.monotonic() - began:.0f} s")
    return 0 if lead > 0 else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--url", help="a running service (default: one is started for the demo)")
    parser.add_argument("--cache", type=Path, default=_ROOT / ".cache" / "zoo", help="where trained models are kept")
    parser.add_argument("--out", type=Path, default=_ROOT / ".data" / "demo", help="folder for the plot and the result")
    return parser.parse_args()


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class Demo:
    """One stream of merges into a new lineage of a service."""

    def __init__(self, client: Client, made: zoo.Zoo, out: Path) -> None:
        self._client, self._zoo, self._out = client, made, out
        self._lineage = f"demo-{secrets.token_hex(3)}"
        self._exam = Exam(made)

    def run(self) -> list[Row]:
        """Merge the zoo's tasks one by one, and measure after each. Raises Refused."""
        document = {
            "name": self._lineage,
            "architecture": {"open_clip": self._zoo.model_config, "preprocess": self._zoo.preprocess},
            "base": self._client.send_blob(self._zoo.base),
            "recipe": {"method": "ode"},
            "calibration_budget": 1024,
        }
        self._client.create_lineage(document)
        print(f"created the lineage {self._lineage}")
        zero_shot = self._exam.score({}, self._zoo.tasks)
        own = {t.name: self._exam.score(load_file(t.checkpoint), [t])[t.name] for t in self._zoo.tasks}
        rows = []
        for number, task in enumerate(self._zoo.tasks, start=1):
            response = self._merge(task)
            merged = load_file(self._download(response["version"]))
            so_far = self._zoo.tasks[:number]
            rows.append(
                Row(
                    merged=self._exam.score(merged, so_far),
                    averaged=self._exam.score(averaged(so_far), so_far),
                    fine_tuned={each.name: own[each.name] for each in so_far},
                    zero_shot={each.name: zero_shot[each.name] for each in so_far},
                )
            )
            print(f"\n{response['version']}: {number} of {len(self._zoo.tasks)} merged, accuracy in %")
            print(table(rows[-1]))
        self._compare(merged, response["version"])
        return rows

    def _merge(self, task: zoo.ZooTask) -> Json:
        """Send a task's checkpoint and show the merge's progress; returns the merge as it ended."""
        described = {"name": task.name, "classnames": task.classnames, "templates": task.templates}
        document = {"lineage": self._lineage, "task": described}
        merge = self._client.send_merge(document, task.checkpoint, task.calibration)
        shape = "{desc} |{bar}| t = {n:.3f} of {total:.3f}{postfix}"
        bar: tqdm[Any] = tqdm(total=1.0, desc=f"merging {task.name:<14}", bar_format=shape, dynamic_ncols=True)
        shown: tuple[float, str] | None = None

        def show(response: Json) -> None:
            nonlocal shown
            progress = response["progress"] or {}
            if progress.get("t") is not None:
                bar.total, bar.n = progress["T"], progress["t"]
            if response["state"] == "succeeded":
                bar.n = bar.total or 1.0
            ended = response["state"] not in {"queued", "running"}
            phase = response["state"] if ended else progress.get("phase") or response["state"]
            if shown != (bar.n, phase):  # Where the bar cannot be redrawn in place, each picture is a line.
                shown = (bar.n, phase)
                bar.set_postfix_str(phase)

        with bar:
            return self._client.follow(merge, show)

    def _download(self, version: str) -> Path:
        """Download a version into a folder as open_clip reads it; returns the weights' file."""
        folder = self._out / "merged"
        folder.mkdir(exist_ok=True)
        self._client.download(f"/models/{version}/open_clip_config.json", folder / "open_clip_config.json")
        weights = folder / "open_clip_model.safetensors"
        self._client.download(f"/models/{version}/weights", weights)
        return weights

    def _compare(self, merged: dict[str, Any], version: str) -> None:
        """Load the last download with open_clip alone and compare its predictions. Raises Refused if they differ."""
        folder = self._out / "merged"
        worst, same, seen = 0.0, 0, 0
        for task in self._zoo.tasks:
            ours = self._exam.similarities(merged, task, _COMPARED)
            theirs = self._exam.open_clip_similarities(folder, task, _COMPARED)
            worst = max(worst, float((ours - theirs).abs().max()))
            same += int((ours.argmax(dim=-1) == theirs.argmax(dim=-1)).sum())
            seen += len(ours)
        print(f"\nopen_clip.create_model_and_transforms('local-dir:{_short(folder)}') loads {version}:")
        print(f"  {same} of {seen} predictions are the same; similarities differ by at most {worst:.1e}")
        if same < seen:
            raise Refused(f"{version} predicts differently when open_clip loads it.")


if __name__ == "__main__":
    sys.exit(main())
