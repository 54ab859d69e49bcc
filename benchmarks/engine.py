"""The ODE-M engine: `python -m benchmarks.engine [--quick] [--device cpu|cuda]`. See benchmarks/README.md."""

import argparse
import functools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from open_clip.model import CLIP
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from benchmarks import integrator_accuracy
from benchmarks.golden_paths import GOLDEN, golden_config, golden_tasks, golden_tower, paths
from benchmarks.pass_by_pass import PassByPass
from merging.ode import OdeConfig, Outcome, Report, TaskData, merge

Result = TypeVar("Result")
BATCH = 128  # the released settings'


@dataclass(frozen=True)
class Size:
    """A tower and a calibration budget to measure times with."""

    name: str
    vision: Mapping[str, int]
    embedding: int
    budget: int
    tasks: int
    steps: int


def vision(layers: int, width: int, head: int, patch: int, image: int) -> dict[str, int]:
    """Return open_clip's configuration of a visual tower."""
    return {"layers": layers, "width": width, "head_width": head, "patch_size": patch, "image_size": image}


SMALL = Size("1 layer of 64, 32 px", vision(1, 64, 32, 8, 32), 64, 2048, 8, 12)
MIDDLE = Size("3 layers of 96, 32 px", vision(3, 96, 32, 8, 32), 64, 2048, 8, 20)
VIT_B_32 = Size("ViT-B/32", vision(12, 768, 64, 32, 224), 512, 2048, 8, 10)


class Workload:
    """Random towers and tasks of a size; the labels are what θ₁ predicts, so that merging has a target."""

    def __init__(self, size: Size, device: str) -> None:
        torch.manual_seed(0)
        text = {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1}
        self.size, self.device = size, device
        self.tower: nn.Module = CLIP(size.embedding, dict(size.vision), text).visual.to(device).eval()
        self.theta_0 = {name: value.detach().clone() for name, value in self.tower.named_parameters()}
        self.theta_1 = {name: value + 0.02 * torch.randn_like(value) for name, value in self.theta_0.items()}
        self.scale = 10.0
        self.config = OdeConfig.from_recipe({"preset": "released", "batch_size": BATCH})
        self.end = (size.steps + 0.5) * self.config.step_size
        self.tasks = [self._task(number) for number in range(size.tasks)]

    def _task(self, number: int) -> TaskData:
        pixels, samples = self.size.vision["image_size"], self.size.budget // self.size.tasks
        images = torch.randn(samples, 3, pixels, pixels, device=self.device)
        head = normalize(torch.randn(10, self.size.embedding, device=self.device), dim=-1)
        self.tower.load_state_dict(self.theta_1)
        with torch.no_grad():
            labels = torch.cat([(self.tower(part) @ head.T).argmax(-1) for part in images.split(BATCH)])
        return TaskData(f"task-{number}", images, labels, head)

    def ours(self) -> Outcome:
        """Merge with the engine."""
        self.tower.load_state_dict(self.theta_0)
        recipe = self.config.as_recipe() | {"operating_time": self.end}
        return merge(
            self.tower, self.theta_0, self.theta_1, self.tasks,
            logit_scale=self.scale, normalisation=None, config=OdeConfig.from_recipe(recipe),
        )  # fmt: skip

    def theirs(self) -> PassByPass:
        """Merge pass by pass."""
        self.tower.load_state_dict(self.theta_0)
        schedule = PassByPass(self.tower, self.theta_1, self.tasks, self.scale, self.config)
        schedule.merge(self.end)
        return schedule

    def bare(self, report: Report) -> None:
        """Do as many bare passes as a merge of ours did, and nothing else."""
        backward = report.backward_samples // BATCH
        for _ in range(backward):
            self._batch_loss().backward()
        with torch.no_grad():
            for _ in range(report.forward_samples // BATCH - backward):
                self._batch_loss()
        for value in self.tower.parameters():
            value.grad = None

    def _batch_loss(self) -> Tensor:
        task = self.tasks[0]
        logits = self.scale * (normalize(self.tower(task.images[:BATCH]), dim=-1) @ task.head.T)
        return cross_entropy(logits, task.labels[:BATCH])


def timed(work: Callable[[], Result], device: str) -> tuple[Result, float]:
    """Return what `work` gives and its time: of this process's processors, or of the clock where a GPU works."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    if device == "cuda":
        torch.cuda.synchronize()
    began = clock()
    result = work()
    if device == "cuda":
        torch.cuda.synchronize()
    return result, clock() - began


def measure_time(size: Size, device: str, rounds: int) -> dict[str, float]:
    """Time ours, the pass-by-pass schedule and the bare passes in turns; return medians over the rounds."""
    work = Workload(size, device)
    torch.backends.mha.set_fastpath_enabled(False)  # all three take the attention path that gradients need
    measured: list[dict[str, float]] = []
    for number in range(rounds):
        outcome, mine = timed(work.ours, device)
        report = outcome.report
        kept = {name: value.clone() for name, value in outcome.parameters.items()}
        _, floor = timed(functools.partial(work.bare, report), device)
        schedule, other = timed(work.theirs, device)
        note(
            f"{size.name}, {number + 1} of {rounds}: ours {mine:.2f} s, pass by pass {other:.2f} s, bare {floor:.2f} s"
        )
        measured.append(
            {
                "ratio": mine / other,
                "overhead": mine / floor,
                "ours_s": mine,
                "theirs_s": other,
                "bare_s": floor,
                "ours_forward": report.forward_samples / BATCH,
                "ours_backward": report.backward_samples / BATCH,
                "theirs_forward": schedule.forward_batches,
                "theirs_backward": schedule.backward_batches,
                "steps": len(report.steps),
                "difference": max(
                    float((value.detach() - kept[name]).abs().max()) for name, value in schedule.parameters.items()
                ),
            }
        )
    torch.backends.mha.set_fastpath_enabled(True)
    return {key: statistics.median(one[key] for one in measured) for key in measured[0]}


def measure_buffers() -> dict[str, float]:
    """Return peaks of merges in processes of their own."""
    measured: dict[str, float] = {}
    for key, rectifier, preset, tasks in (
        ("b_released_2", "per_task", "released", 2),
        ("b_released_20", "per_task", "released", 20),
        ("b_default_20", "per_task", "default", 20),
        ("a_default_20", "aggregate", "default", 20),
    ):
        command = [sys.executable, "-m", "benchmarks.parameter_buffers", rectifier, preset, str(tasks)]
        note(f"peak memory: {rectifier}, {preset}, {tasks} tasks")
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured |= {f"{key}_{name}": value for name, value in json.loads(done.stdout.splitlines()[-1]).items()}
    return measured


def measure_golden(device: str) -> float:
    """Return the largest difference of a parameter to the published code's results, over all golden paths."""
    largest = 0.0
    for name in paths():
        note(f"golden path {name}")
        config = golden_config(name)
        outcome = run_golden(name, device, config)
        expected = load_file(GOLDEN / f"{name}.safetensors")
        for parameter, value in outcome.parameters.items():
            largest = max(largest, float((value.cpu() - expected[f"result/{parameter}"]).abs().max()))
    return largest


def run_golden(name: str, device: str, config: OdeConfig) -> Outcome:
    """Merge a golden file's inputs."""
    tower, theta_0, theta_1, scale = golden_tower(name)
    return merge(
        tower.to(device), theta_0, theta_1, golden_tasks(name), logit_scale=scale, normalisation=None, config=config
    )


def measure_adaptive(device: str) -> list[tuple[str, str, float, float]]:
    """Return, for two golden inputs and three integrators, gradient evaluations and the mean loss at the end."""
    rows = []
    for name in ("ode_small", "ode_medium"):
        for label, recipe in (
            ("euler, h = 0.01", {"integrator": "euler", "step_size": 0.01}),
            ("euler, h = 0.05", {"integrator": "euler", "step_size": 0.05}),
            ("adaptive (default)", {}),
        ):
            note(f"{name}: {label}")
            report = run_golden(name, device, OdeConfig.from_recipe({**integrator_accuracy.PATH, **recipe})).report
            mean = statistics.mean(report.losses_after.values())
            rows.append((name, label, report.gradient_evaluations, mean))
    return rows


def note(text: str) -> None:
    """Say on standard error what is being done."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print the tables, and the metrics as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller tower, one round")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--zoo", type=Path, help="folder of the zoo (trained there if missing): compare accuracies")
    options = parser.parse_args()
    torch.set_num_threads(1)
    size = VIT_B_32 if options.device == "cuda" else SMALL if options.quick else MIDDLE
    difference = measure_golden(options.device)
    adaptive = measure_adaptive(options.device)
    times = measure_time(size, options.device, 1 if options.quick else 2)
    buffers = measure_buffers()
    zoo = [] if options.zoo is None else integrator_accuracy.measure(options.zoo, options.device, note)
    show(size, options.device, times, buffers, adaptive, difference)
    show_zoo(zoo)
    rows = [(one.label, one.evaluations) for one in zoo] or [(row[1], row[2]) for row in adaptive]
    fixed = sum(evaluations for label, evaluations in rows if label == "euler, h = 0.01")
    chosen = sum(evaluations for label, evaluations in rows if label == "adaptive (default)")
    metrics = {
        "form_b_time_ratio": times["ratio"],
        "overhead_over_bare": times["overhead"],
        "buffers_form_a": buffers["a_default_20_live"],
        "buffers_form_b": max(buffers["b_released_20_live"], buffers["b_default_20_live"]),
        "peak_growth_k2_k20": buffers["b_released_20_peak"] / buffers["b_released_2_peak"],
        "golden_max_abs_diff": difference,
        "adaptive_evaluations_ratio": chosen / fixed,
        "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu, 1 thread",
    }
    print(json.dumps(metrics))


def show(
    size: Size,
    device: str,
    times: dict[str, float],
    buffers: dict[str, float],
    adaptive: list[tuple[str, str, float, float]],
    difference: float,
) -> None:
    """Print the tables."""
    clock = "clock" if device == "cuda" else "processor"
    print(f"Form B at the released settings: {size.name}, {size.tasks} tasks, {size.budget} samples, {device}")
    print(
        f"{'':24}{clock + ' s':>14}{'forward':>10}{'backward':>10}   passes in batches of {BATCH}, both ends included"
    )
    for label, key in (("pass by pass", "theirs"), ("ours", "ours")):
        print(f"{label:24}{times[key + '_s']:14.3f}{times[key + '_forward']:10.0f}{times[key + '_backward']:10.0f}")
    print(f"{'bare passes of ours':24}{times['bare_s']:14.3f}")
    print(f"ours / pass by pass {times['ratio']:.3f}; ours / bare {times['overhead']:.3f}; ", end="")
    print(f"{times['steps']:.0f} steps; largest difference {times['difference']:.1e}\n")
    print(f"Peak of one merge in parameter sizes{'':6}{'buffers alive':>16}{'resident memory':>18}")
    for key, label in (
        ("b_released_2", "form B, released, 2 tasks"),
        ("b_released_20", "form B, released, 20 tasks"),
        ("b_default_20", "form B, adaptive, 20 tasks"),
        ("a_default_20", "form A, adaptive, 20 tasks"),
    ):
        print(f"{label:42}{buffers[key + '_live']:16.0f}{buffers[key + '_peak']:18.2f}")
    print(f"\n{'Golden inputs, our defaults':42}{'evaluations':>16}{'mean loss':>18}")
    for name, label, evaluations, loss in adaptive:
        print(f"{name + ', ' + label:42}{evaluations:16.1f}{loss:18.4f}")
    print(f"\nLargest difference to the published code's results: {difference:.2e}\n")


def show_zoo(sequels: list[integrator_accuracy.Sequel]) -> None:
    """Print accuracies after the last of the zoo's merges."""
    if not sequels:
        print("Zoo not asked for (--zoo FOLDER): the ratio of evaluations is that of the golden inputs.\n")
        return
    print(f"{'The merges of the demo':30}{'evaluations':>14}{'mean accuracy':>16}{'worst':>9}{'loss':>9}")
    for one in sequels:
        print(f"{one.label:30}{one.evaluations:14.1f}{one.mean:16.4f}{one.worst:9.4f}{one.calibration_loss:9.4f}")
    print()


if __name__ == "__main__":
    main()
