"""A merge small enough for many examples: a two-layer tower on 3 x 6 x 6 images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from merging.ode import Normalisation, OdeConfig, Outcome, Step, TaskData, merge

NORMALISATION = Normalisation((0.48, 0.46, 0.41), (0.27, 0.26, 0.28))
DIMENSION = 6
PATH = {"coefficients": False, "refine": False}
"""A recipe's words for the path and nothing after it."""


def tower(seed: int = 0) -> nn.Module:
    """Make a tower with random weights."""
    layers = nn.Sequential(nn.Flatten(), nn.Linear(108, 24), nn.GELU(), nn.Linear(24, DIMENSION))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return layers.eval()


def parameters(seed: int) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in tower(seed).named_parameters()}


def tasks(count: int, samples: int = 24, *, utilities: list[float] | None = None) -> list[TaskData]:
    """Make `count` tasks of random uint8 images, which a random tower each labels."""
    made = []
    for number in range(count):
        generator = torch.Generator().manual_seed(100 + number)
        images = torch.randint(0, 256, (samples, 3, 6, 6), dtype=torch.uint8, generator=generator)
        head = nn.functional.normalize(torch.randn(4, DIMENSION, generator=generator), dim=-1)
        with torch.no_grad():
            labels = (tower(200 + number)(images / 255 - 0.5) @ head.T).argmax(-1)
        utility = 1.0 if utilities is None else utilities[number]
        made.append(TaskData(f"task-{number}", images, labels, head, utility))
    return made


def run(
    data: list[TaskData],
    *,
    theta_1: dict[str, Tensor] | None = None,
    origin: dict[str, Tensor] | None = None,
    base_utility: float = 0.0,
    on_step: Callable[[Step], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    device: str = "cpu",
    **recipe: object,
) -> Outcome:
    """Merge two random towers on `data`: by the path alone, unless the recipe says otherwise."""
    return merge(
        tower(0).to(device),
        parameters(0),
        parameters(1) if theta_1 is None else theta_1,
        data,
        logit_scale=10.0,
        normalisation=NORMALISATION,
        config=OdeConfig.from_recipe({"precision": "float32"} | PATH | recipe),
        origin=origin,
        base_utility=base_utility,
        on_step=on_step,
        should_stop=should_stop,
    )


def difference(one: Outcome, other: Outcome | dict[str, Tensor]) -> float:
    values = other.parameters if isinstance(other, Outcome) else other
    return max(float((value.cpu() - values[name].cpu()).abs().max()) for name, value in one.parameters.items())
