"""The endpoint "joint" of ODE-M: the closed-form solution of all tasks so far, and the sums that give it."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from merging import streaming
from merging.streaming import CHUNK, WEIGHTS, Emit
from merging.tensor_bytes import NUMPY_DTYPES, TensorBytes
from registry.merge import Progress
from worker.merge_job import Job, MergeCancelled
from worker.methods.data_free import state_entries
from worker.methods.tensor_scope import plan_request
from worker.ode_planning import JOINT
from worker.planning import Plan, plan
from worker.safetensors_writer import Entry
from worker.torch_tensors import to_torch


class JointEndpoint:
    """The solution's tensors in memory; the state's parts wait in unnamed files of the job's scratch folder.

    Raises MethodUnavailable if head has tasks without the sums, NotFinite, MergeCancelled and what planning raises.
    """

    def __init__(self, job: Job) -> None:
        self.plan: Plan = plan(replace(plan_request(job), recipe=JOINT))
        self.parts: Mapping[str, tuple[Entry, ...]] = state_entries(self.plan)
        self._files = {part: _unnamed(job.scratch) for part in self.parts}
        self._job = job
        self.parameters = self._solve()

    def _solve(self) -> dict[str, Tensor]:
        """The tensors that are merged, in the base's dtype, by name."""
        inputs = self.plan.inputs
        merged: dict[str, list[NDArray[Any]]] = {}
        current: list[NDArray[Any]] = []

        def on_tensor(name: str) -> None:
            nonlocal current
            if self._job.stopping():
                raise MergeCancelled
            current = merged.setdefault(name, []) if inputs.merges(name) else []
            self._job.report(Progress(phase="loading", step=len(merged)))

        def emit(output: str, chunk: NDArray[Any]) -> None:
            if output == WEIGHTS:
                current.append(chunk.copy())
            else:
                chunk.tofile(self._files[output])

        streaming.merge(inputs, self.plan.method, emit, on_tensor)
        parameters = {}
        for slot in inputs.slots():
            chunks = merged[slot.name]
            elements = np.concatenate(chunks) if chunks else np.empty(0, NUMPY_DTYPES[slot.dtype])
            parameters[slot.name] = to_torch(TensorBytes(slot.dtype, slot.shape, elements))
        return parameters

    def emit_state(self, emit: Emit) -> None:
        """Emit the state's parts, and close their files."""
        for part, entries in self.parts.items():
            with self._files[part] as file:
                file.seek(0)
                dtype = NUMPY_DTYPES[entries[0].dtype]
                while (chunk := np.fromfile(file, dtype, CHUNK)).size:
                    emit(part, chunk)


def _unnamed(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)
