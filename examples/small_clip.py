"""The quick start's network: an open_clip CLIP of three layers for images of 32 pixels."""

from typing import Any

import torch
from open_clip import SimpleTokenizer, build_zero_shot_classifier
from open_clip.model import CLIP
from torch import Tensor

from examples.pictures import SIZE, Pictures, Task

CONFIG: dict[str, Any] = {
    "embed_dim": 64,
    "quick_gelu": True,
    "vision_cfg": {"layers": 3, "width": 96, "head_width": 32, "patch_size": 8, "image_size": SIZE},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
"""open_clip's model config."""

PREPROCESS: dict[str, Any] = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
"""The fields of open_clip's `preprocess_cfg`, for images in [0, 1]."""


def normalized(images: Tensor) -> Tensor:
    """Images uint8 [n, 3, H, W] as the visual tower takes them, float32."""
    mean, std = (torch.tensor(PREPROCESS[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    return (images.float() / 255 - mean) / std


def zero_shot_head(model: CLIP, task: Task) -> Tensor:
    """Unit-norm text embeddings [classes, embed_dim], each the mean over the task's templates."""
    if torch.is_grad_enabled():  # training: one template, with gradients
        prompts = [task.templates[0].format(name) for name in task.classnames]
        embeddings: Tensor = model.encode_text(_tokenize(prompts), normalize=True)
        return embeddings
    head: Tensor = build_zero_shot_classifier(model, _tokenize, task.classnames, task.templates, None)
    return head.T.contiguous()


@torch.no_grad()
def accuracy(model: CLIP, task: Task, pictures: Pictures) -> float:
    """Share of the pictures whose nearest class name is their label."""
    features = model.encode_image(normalized(pictures.images), normalize=True)
    predicted = (features @ zero_shot_head(model, task).T).argmax(dim=-1)
    return float((predicted == pictures.labels).double().mean())


def _tokenize(texts: list[str]) -> Tensor:
    tokens: Tensor = SimpleTokenizer(context_length=CONFIG["text_cfg"]["context_length"])(texts)
    return tokens
