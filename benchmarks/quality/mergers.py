"""Merge the checkpoints of a stream one by one, by the recipes and planners that `POST /merge` uses."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.quality.material import Material, State
from merging import ode, streaming
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from worker.calibration_memory import Sample
from worker.ode_planning import JOINT, plan_ode
from worker.planning import Plan, PlanRequest, plan
from worker.planning_states import HeadState
from worker.torch_tensors import to_tensor_bytes, to_torch

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
        """Merge one more checkpoint."""
        ...


class OdeMerger:
    """ODE-M. A recipe may name any parameter of `OdeConfig`, also those that no request may set."""

    def __init__(self, material: Material, recipe: Recipe) -> None:
        self._material = material
        self._recipe = recipe
        joint = ode.OdeConfig.from_recipe(recipe).endpoint == "joint"
        self._joint = DataFreeMerger(material, dict(JOINT)) if joint else None

    def merge(self, arrival: Arrival) -> Merged:
        """Merge one more checkpoint."""
        material = self._material
        planned = plan_ode(self._recipe, arrival.memory, dict(zip(arrival.tasks, arrival.utilities, strict=True)))
        target = arrival.checkpoint if self._joint is None else self._joint.merge(arrival).parameters
        outcome = ode.merge(
            material.tower,
            arrival.head,
            target,
            planned.tasks,
            logit_scale=material.network.logit_scale,
            normalisation=material.network.normalisation,
            config=planned.config,
            origin=material.base,
            base_utility=planned.base_utility,
        )
        report = outcome.report
        parameters = {name: tensor.clone() for name, tensor in outcome.parameters.items()}
        return Merged(parameters, report.forward_samples, report.backward_samples, report.as_dict())


class InMemory:
    """Tensors in memory, with the interface of a file."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self._tensors = tensors
        self.names: Sequence[str] = tuple(tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> TensorBytes:
        """The tensor of this name."""
        return to_tensor_bytes(self._tensors[name])


class DataFreeMerger:
    """A data-free method, planned and streamed as a worker does it; carries the method's state in memory."""

    def __init__(self, material: Material, recipe: Recipe) -> None:
        self._base = material.base
        self._recipe = recipe
        self._state = HeadState()

    def merge(self, arrival: Arrival) -> Merged:
        """Merge one more checkpoint."""
        earlier = dict(zip(arrival.tasks[:-1], arrival.utilities[:-1], strict=True))
        planned = plan(
            PlanRequest(
                recipe=self._recipe,
                base=InMemory(self._base),
                head=InMemory(arrival.head),
                checkpoint=InMemory(arrival.checkpoint),
                task=arrival.tasks[-1],
                utility=arrival.utilities[-1],
                scratch=Path(tempfile.gettempdir()),
                state=self._state,
                earlier=earlier,
            )
        )
        weights, parts = run_plan(planned)
        files = {part: InMemory(tensors) for part, tensors in parts.items()}
        scalars = planned.scalars()
        self._state = HeadState(tasks=len(arrival.tasks), family=planned.family, parts=lambda: files, scalars=scalars)
        return Merged(weights)


def run_plan(planned: Plan) -> tuple[State, dict[str, State]]:
    """Run a plan in memory; returns the merged tensors and the parts of the method's state."""
    chunks: dict[str, list[bytes]] = {streaming.WEIGHTS: []}

    def emit(output: str, chunk: NDArray[Any]) -> None:
        chunks.setdefault(output, []).append(chunk.tobytes())

    streaming.merge(planned.inputs, planned.method, emit)
    inputs = planned.inputs
    specs: dict[str, dict[str, streaming.StateTensor]] = {
        streaming.WEIGHTS: {
            name: streaming.StateTensor(stored.dtype, stored.shape)
            for name in inputs.base.names
            for stored in (inputs.base.tensor(name),)
        }
    }
    for slot in inputs.slots():
        for part, spec in streaming.state_tensors(planned.method, slot).items():
            specs.setdefault(part, {})[slot.name] = spec
    made = {output: _split(b"".join(chunks[output]), tensors) for output, tensors in specs.items()}
    return made.pop(streaming.WEIGHTS), made


def _split(data: bytes, specs: Mapping[str, streaming.StateTensor]) -> State:
    """The tensors of an output, whose elements follow each other in `data`."""
    tensors, position = {}, 0
    for name, spec in specs.items():
        count = math.prod(spec.shape)
        elements = np.frombuffer(data, NUMPY_DTYPES[spec.dtype], count, position)
        tensors[name] = to_torch(TensorBytes(spec.dtype, spec.shape, elements))
        position += elements.nbytes
    return tensors


def merger(material: Material, recipe: Recipe) -> Merger:
    """What merges by this recipe. Raises KeyError for a method that is unknown."""
    if recipe["method"] == "ode":
        return OdeMerger(material, recipe)
    if recipe["method"] == "replay":
        from benchmarks.quality.replay import Replay  # noqa: PLC0415  it merges by this module

        return Replay(material, **{name: value for name, value in recipe.items() if name != "method"})
    return DataFreeMerger(material, recipe)


def clone(parameters: Mapping[str, torch.Tensor]) -> State:
    """A copy of parameters that nothing else changes."""
    return {name: item.detach().clone() for name, item in parameters.items()}
