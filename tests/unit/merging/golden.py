"""The golden files: the published code's results on small open_clip towers, and how to run ours on their inputs."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP
from safetensors.torch import load_file
from torch import Tensor, nn

from merging.ode import OdeConfig, Outcome, TaskData, merge

FOLDER = Path(__file__).parents[2] / "golden"
PATHS = ("ode_small", "ode_medium", "ode_medium_protect_old", "ode_medium_qptol")


@dataclass(frozen=True)
class Golden:
    """One golden file with its inputs."""

    facts: dict[str, Any]
    theta_0: dict[str, Tensor]
    theta_1: dict[str, Tensor]
    result: dict[str, Tensor]
    tasks: list[TaskData]

    @property
    def logit_scale(self) -> float:
        """Return the factor of the logits."""
        return float(self.facts["logit_scale_exp"])

    def recipe(self) -> dict[str, object]:
        """Return the recipe that the file was made with."""
        hyper = self.facts["hyper"]
        return {
            "preset": "released",
            "step_size": hyper["step_size"],
            "barrier_budget": hyper["barrier_budget"],
            "barrier_power": hyper["barrier_tight_power"],
            "protect_old_only": hyper["protect_old_only"],
            "excess_constraints": hyper["qp_num_constraints"],
            "sensitivity_constraints": hyper["qp_sens_constraints"],
            "program_ridge": hyper["qp_reg"],
            "program_tolerance": hyper["qp_tol"],
            "descent_ratio": hyper["dv_over_u_target"],
            "norm_power": hyper["macro_grad_norm_power"],
            "batch_size": hyper["batch_size"],
        }


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


@functools.cache
def load(name: str) -> Golden:
    facts = json.loads((FOLDER / f"{name}.json").read_text())
    own = load_file(FOLDER / f"{name}.safetensors")
    source = (facts["inputs_from"] or f"{name}.safetensors").split(":")[0]
    inputs = load_file(FOLDER / source)
    tasks = [
        TaskData(task, inputs[f"cal/{task}/x"], inputs[f"cal/{task}/y"], inputs[f"head/{task}"])
        for task in facts["tasks"]
    ]
    start = "result/" if name == "ode_post_refine" else "theta_0/"
    return Golden(facts, part(inputs, start), part(inputs, "theta_1/"), part(own, "result/"), tasks)


def tower(golden: Golden) -> nn.Module:
    """Make the golden files' visual tower, holding θ₀."""
    clip = CLIP(**golden.facts["config"])
    assert open_clip.__version__
    visual: nn.Module = clip.visual
    visual.load_state_dict(golden.theta_0)
    return visual.eval()


def run(golden: Golden, device: str = "cpu", **changes: object) -> Outcome:
    """Merge a golden file's inputs under its recipe with changes; `proj` is not in the scope."""
    scope = [name for name in golden.theta_0 if name != "proj"]
    return merge(
        tower(golden).to(device),
        {name: golden.theta_0[name] for name in scope},
        {name: golden.theta_1[name] for name in scope},
        golden.tasks,
        logit_scale=golden.logit_scale,
        normalisation=None,
        config=OdeConfig.from_recipe(golden.recipe() | changes),
    )


def largest_difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((value.cpu() - other[name].cpu()).abs().max()) for name, value in one.items())


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
