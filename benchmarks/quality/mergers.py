"""From a recipe, as `POST /merge` takes it, to what merges the checkpoints of a stream one by one."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from benchmarks.quality.material import Material, State
from merging import ode, streaming
from merging.average import Average
from merging.dare import dare
from merging.linear import Linear
from merging.magmax import MagMax
from merging.opcm import Opcm
from merging.slerp import Slerp
from merging.task_arithmetic import TaskArithmetic
from merging.tensor_bytes import Raw
from merging.ties import Ties
from worker.calibration_memory import Sample
from worker.torch_tensors import as_raw

Recipe = dict[str, Any]
"""`method` and its parameters."""


@dataclass(frozen=True)
class Arrival:
    """A checkpoint to be merged. tasks: all so far, this one last; memory: their samples; utilities in this order."""

    head: State
    checkpoint: State
    tasks: tuple[str, ...]
    utilities: tuple[float, ...]
    memory: tuple[Sample, ...]


@dataclass(frozen=True)
class Merged:
    """The parameters that a merge ends with, and its cost in samples that went forward and backward."""

    parameters: State
    forward_samples: int = 0
    backward_samples: int = 0
    report: Mapping[str, Any] = field(default_factory=dict)


class Merger(Protocol):
    """Merges the checkpoints of one stream."""

    def merge(self, arrival: Arrival) -> Merged:
        """Merge one checkpoint more."""
        ...


class OdeMerger:
    """ODE-M by the engine. Recipes differ from the service's in nothing."""

    def __init__(self, material: Material, recipe: Recipe) -> None:
        self._material = material
        self._config = ode.OdeConfig.from_recipe(recipe)

    def merge(self, arrival: Arrival) -> Merged:
        """Merge one checkpoint more."""
        material = self._material
        data = [
            ode.TaskData(sample.task.name, sample.images, sample.labels, sample.head, utility)
            for sample, utility in zip(arrival.memory, arrival.utilities, strict=True)
        ]
        tower = material.tower.requires_grad_(requires_grad=False)
        outcome = ode.merge(
            tower,
            arrival.head,
            arrival.checkpoint,
            data,
            logit_scale=material.logit_scale,
            normalisation=material.normalisation,
            config=self._config,
            origin=material.base,
        )
        report = outcome.report
        parameters = {name: tensor.clone() for name, tensor in outcome.parameters.items()}
        return Merged(parameters, report.forward_samples, report.backward_samples, report.as_dict())


class _Held:
    """Parameters in memory, with the interface of a file."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.names: Sequence[str] = tuple(state)

    def __contains__(self, name: object) -> bool:
        return name in self._state

    def raw(self, name: str) -> Raw:
        return as_raw(self._state[name])


class DataFreeMerger:
    """A data-free method by the streaming engine.

    The methods whose state is a sum are given all checkpoints so far at once, from the base: they are exact
    continually, so this is what one at a time comes to.
    """

    def __init__(self, material: Material, method: Callable[[Arrival], streaming.Method], *, at_once: bool) -> None:
        self._material = material
        self._method = method
        self._at_once = at_once
        self._seen: list[State] = []

    def merge(self, arrival: Arrival) -> Merged:
        """Merge one checkpoint more."""
        base = self._material.base
        self._seen = [*self._seen, arrival.checkpoint] if self._at_once else [arrival.checkpoint]
        head = base if self._at_once else arrival.head
        incoming = tuple(_Held(state) for state in self._seen)
        inputs = streaming.Inputs(_Held(base), _Held(head), incoming, {}, scope=lambda _: True)
        chunks: list[np.ndarray] = []

        def emit(sink: str, chunk: np.ndarray) -> None:
            if sink == streaming.WEIGHTS:
                chunks.append(chunk.copy())

        streaming.merge(inputs, self._method(arrival), emit)
        flat = torch.from_numpy(np.concatenate(chunks))
        parts = flat.split([tensor.numel() for tensor in base.values()])
        return Merged({n: part.view(tensor.shape) for (n, tensor), part in zip(base.items(), parts, strict=True)})


def _opcm(alpha: float) -> Callable[[Arrival], streaming.Method]:
    """One OPCM for a whole stream: it goes on from its own numbers."""
    scratch = Path(tempfile.gettempdir())
    last: Opcm | None = None

    def method(_: Arrival) -> streaming.Method:
        nonlocal last
        before = last or Opcm(alpha, scratch)
        last = Opcm(alpha, scratch, before.count, before.mean_norm, before.scale)
        return last

    return method


def merger(material: Material, recipe: Recipe) -> Merger:
    """What merges by this recipe. Raises KeyError for a method that is unknown."""
    said = {name: value for name, value in recipe.items() if name != "method"}
    method = recipe["method"]
    if method == "ode":
        return OdeMerger(material, recipe)
    if method == "replay":
        from benchmarks.quality.replay import Replay  # noqa: PLC0415  it merges by this module

        return Replay(material, **said)
    scaling = said.get("scaling", 1.0)
    at_once: dict[str, Callable[[Arrival], streaming.Method]] = {
        "average": lambda arrival: Average(0.0, arrival.utilities),
        "task_arithmetic": lambda _: TaskArithmetic(scaling),
        "ties": lambda _: Ties(said["density"], scaling),
        "magmax": lambda _: MagMax(scaling),
        "dare": lambda arrival: TaskArithmetic(scaling, dare(said["drop_rate"], 0, list(arrival.tasks))),
    }
    if method in at_once:
        return DataFreeMerger(material, at_once[method], at_once=True)
    one_by_one: dict[str, Callable[[Arrival], streaming.Method]] = {
        "linear": lambda _: Linear(said["alpha"]),
        "opcm": _opcm(said.get("alpha", 0.5)),
        "slerp": lambda arrival: Slerp(arrival.utilities[-1] / sum(arrival.utilities)),
    }
    return DataFreeMerger(material, one_by_one[method], at_once=False)
