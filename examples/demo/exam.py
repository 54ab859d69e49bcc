"""Accuracies on held-out test images, with each task's zero-shot head from the base's text tower."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import open_clip
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.zoo import Zoo, ZooTask, network, read

Scores = dict[str, float]
"""Accuracy in 0..1 by task name."""


class Exam:
    """The test images of a zoo's tasks, and their zero-shot heads."""

    def __init__(self, zoo: Zoo) -> None:
        self._network = network.load(zoo.base)
        self._base = {name: tensor.clone() for name, tensor in self._network.state_dict().items()}
        self._heads = {task.name: network.zero_shot_head(self._network, task.kind) for task in zoo.tasks}
        self._tests = {task.name: read(task.test) for task in zoo.tasks}

    def score(self, weights: Mapping[str, Tensor], tasks: Sequence[ZooTask]) -> Scores:
        """Accuracy of a state dict on each task; missing tensors are the base's, so {} is the base itself."""
        self._network.load_state_dict(self._base | dict(weights))
        return {t.name: network.accuracy(self._network, self._heads[t.name], self._tests[t.name]) for t in tasks}

    def similarities(self, weights: Mapping[str, Tensor], task: ZooTask, images: int) -> Tensor:
        """Similarities [images, classes] of the first test images with the task's head."""
        self._network.load_state_dict(self._base | dict(weights))
        pixels = torch.from_numpy(self._tests[task.name].images[:images])
        return network.answers(self._network, self._heads[task.name], pixels)

    @torch.no_grad()
    def open_clip_similarities(self, folder: Path, task: ZooTask, images: int) -> Tensor:
        """The same, by open_clip alone from a folder with config and weights: image transform, towers, tokenizer."""
        name = f"local-dir:{folder}"
        model, _, transform = open_clip.create_model_and_transforms(name)
        model.eval()
        head = open_clip.build_zero_shot_classifier(
            model, open_clip.get_tokenizer(name), task.classnames, task.templates, None
        )
        pictures = [Image.fromarray(pixels.transpose(1, 2, 0)) for pixels in self._tests[task.name].images[:images]]
        result: Tensor = model.encode_image(torch.stack([transform(each) for each in pictures]), normalize=True) @ head
        return result


def averaged(tasks: Sequence[ZooTask]) -> dict[str, Tensor]:
    """The plain average of the tasks' fine-tuned weights."""
    return network.average([load_file(task.checkpoint) for task in tasks])
