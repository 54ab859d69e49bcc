"""Loss and accuracy of an image tower on samples of the calibration memory."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from registry.architecture import Preprocess
from worker.calibration_memory import Sample

_BATCH = 128


def score(
    tower: nn.Module, samples: Sequence[Sample], preprocess: Preprocess, logit_scale: float, device: torch.device
) -> dict[str, dict[str, float]]:
    """Mean cross-entropy and accuracy by task name; NaN where the logits are not finite."""
    mean = torch.tensor(preprocess.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(preprocess.std, device=device).view(1, 3, 1, 1)
    return {sample.task.name: _score(tower, sample, mean, std, logit_scale) for sample in samples}


@torch.no_grad()
def _score(tower: nn.Module, sample: Sample, mean: Tensor, std: Tensor, logit_scale: float) -> dict[str, float]:
    head = sample.head.to(mean.device)
    loss, hits = 0.0, 0
    for images, labels in zip(sample.images.split(_BATCH), sample.labels.split(_BATCH), strict=True):
        x = (images.to(mean.device).float() / 255 - mean) / std
        y = labels.to(mean.device)
        logits = logit_scale * functional.normalize(tower(x), dim=-1) @ head.T
        loss += float(functional.cross_entropy(logits.double(), y, reduction="sum"))
        hits += int((logits.argmax(dim=-1) == y).sum())
    return {"loss": loss / len(sample.labels), "accuracy": hits / len(sample.labels)}
