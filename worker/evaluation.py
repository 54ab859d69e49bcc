"""Evaluation on the calibration memory: losses and accuracies before and after a merge, for every method."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from registry.architecture import Architecture
from worker.architectures.open_clip import OpenClipNetwork
from worker.calibration_memory import Sample, admit, load
from worker.merge_job import Job
from worker.scores import score
from worker.torch_tensors import Weights


def admit_sample(job: Job, network: OpenClipNetwork) -> tuple[Sample, ...]:
    """Return the calibration memory with the merge's own sample added last. The merge must have a sample."""
    file = Weights(job.blobs.path(job.merge.calibration or ""))
    head = file["head"].float() if "head" in file else network.zero_shot_head(job.merge.task, job.check).cpu()
    head = torch.nn.functional.normalize(head, dim=-1)
    incoming = Sample(task=job.merge.task, images=file["images"], labels=file["labels"], head=head)
    seed = int(getattr(job.merge.recipe, "seed", 0))
    return admit(load(job.blobs, job.parent.memory), incoming, job.lineage.calibration_budget, seed)


class Scores:
    """Losses and accuracies by task and moment: before the merge, of the checkpoint, after the merge."""

    def __init__(
        self, job: Job, network: OpenClipNetwork, architecture: Architecture, memory: tuple[Sample, ...]
    ) -> None:
        self._job = job
        self._network = network
        self._preprocess = architecture.preprocess
        self._memory = memory
        self.table: dict[str, dict[str, Any]] = {
            item.task.name: {"samples": len(item.labels), "utility": item.task.utility} for item in memory
        }

    def take(self, moment: str, parameters: Mapping[str, Tensor]) -> None:
        """Score the tower with these parameters, and record the result under `moment`."""
        self._job.check()
        network = self._network
        network.set_parameters(parameters)
        scores = score(network.tower, self._memory, self._preprocess, network.logit_scale, self._job.device)
        for name, values in scores.items():
            self.table[name][moment] = {key: value if math.isfinite(value) else None for key, value in values.items()}
