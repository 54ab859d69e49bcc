"""The golden paths of the published code, from tests/golden: their inputs and the recipes that reproduce them."""

import json
from pathlib import Path
from typing import Any

from open_clip.model import CLIP
from safetensors.torch import load_file
from torch import Tensor, nn

from merging.ode import OdeConfig, TaskData

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
NAMES = {
    "step_size": "step_size",
    "barrier_budget": "barrier_budget",
    "barrier_tight_power": "barrier_power",
    "protect_old_only": "protect_old_only",
    "qp_reg": "program_ridge",
    "qp_tol": "program_tolerance",
    "dv_over_u_target": "descent_ratio",
    "batch_size": "batch_size",
}


def paths() -> list[str]:
    """Return the names of the golden paths."""
    return sorted(file.stem for file in GOLDEN.glob("ode_*.json") if facts(file.stem)["kind"] == "ode-m")


def facts(name: str) -> dict[str, Any]:
    """Return what a golden path's json says."""
    document: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return document


def inputs(name: str) -> dict[str, Tensor]:
    """Return the tensors that a path starts from."""
    return load_file(GOLDEN / (facts(name)["inputs_from"] or f"{name}.safetensors"))


def golden_config(name: str) -> OdeConfig:
    """Return the configuration that reproduces a path."""
    hyper = facts(name)["hyper"]
    return OdeConfig.from_recipe({"preset": "released"} | {ours: hyper[theirs] for theirs, ours in NAMES.items()})


def golden_tasks(name: str) -> list[TaskData]:
    """Return a path's tasks."""
    have = inputs(name)
    return [
        TaskData(task, have[f"cal/{task}/x"], have[f"cal/{task}/y"], have[f"head/{task}"])
        for task in facts(name)["tasks"]
    ]


def golden_tower(name: str) -> tuple[nn.Module, dict[str, Tensor], dict[str, Tensor], float]:
    """Return the tower, θ₀ and θ₁ (all parameters but `proj`) and the logits' factor."""
    have = inputs(name)
    theta_0, theta_1 = (
        {key.removeprefix(prefix): value for key, value in have.items() if key.startswith(prefix)}
        for prefix in ("theta_0/", "theta_1/")
    )
    tower: nn.Module = CLIP(**facts(name)["config"]).visual
    tower.load_state_dict(theta_0)
    del theta_0["proj"], theta_1["proj"]
    return tower.eval(), theta_0, theta_1, float(facts(name)["logit_scale_exp"])
