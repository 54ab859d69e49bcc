"""A tiny open_clip network with tasks that it can learn: base, fine-tuned checkpoints and calibration samples."""

import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

CONFIG: dict[str, Any] = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"layers": 2, "width": 64, "head_width": 32, "patch_size": 8, "image_size": 32},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
ARCHITECTURE = {"open_clip": CONFIG}
CLASSES = 3
State = dict[str, Tensor]

_MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
_STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


def build(config: Mapping[str, Any] = CONFIG) -> nn.Module:
    """open_clip's network with this config, its weights random."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
        logging.disable(logging.WARNING)  # of weights that are random
        try:
            model: nn.Module = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
        finally:
            logging.disable(logging.NOTSET)
    return model.eval()


def load(state: Mapping[str, Tensor], config: Mapping[str, Any] = CONFIG) -> nn.Module:
    """The network with a state dict put into it by hand."""
    model = build(config)
    model.load_state_dict(state, strict=True)
    return model


def embed(model: nn.Module, images: Tensor) -> Tensor:
    """Embeddings [n, embed_dim] of uint8 images."""
    encode: Any = model.encode_image
    result: Tensor = encode((images.float() / 255 - _MEAN) / _STD)
    return result


@dataclass(frozen=True)
class Task:
    """Images of three kinds that differ by a coarse pattern, under noise."""

    name: str
    seed: int

    @property
    def document(self) -> dict[str, Any]:
        """The task as POST /merge names it."""
        names = [f"{self.name} kind {index}" for index in range(CLASSES)]
        return {"name": self.name, "classnames": names, "templates": ["a photo of {}."]}

    def sample(self, count: int, seed: int) -> State:
        """`images` uint8 [count, 3, 32, 32] and `labels` int64 [count]."""
        patterns = torch.rand(CLASSES, 3, 4, 4, generator=torch.Generator().manual_seed(self.seed))
        generator = torch.Generator().manual_seed(1000 * self.seed + seed)
        labels = torch.arange(count) % CLASSES
        clean = functional.interpolate(patterns, size=(32, 32))[labels]
        noisy = 0.8 * clean + 0.2 * torch.rand(count, 3, 32, 32, generator=generator)
        return {"images": (noisy * 255).to(torch.uint8), "labels": labels}

    def fine_tune(self, base: State, steps: int = 40) -> State:
        """A checkpoint of the full network whose visual tower has learnt the task."""
        model = load(base)
        sample = self.sample(48, seed=1)
        encode_text: Any = model.encode_text
        texts = open_clip.tokenize([f"a photo of {name}." for name in self.document["classnames"]], context_length=16)
        with torch.no_grad():
            head = encode_text(texts, normalize=True)
        visual: Any = model.visual
        optimizer = torch.optim.AdamW(visual.parameters(), lr=3e-4)
        for _ in range(steps):
            logits = 14.3 * functional.normalize(embed(model, sample["images"]), dim=-1) @ head.T
            optimizer.zero_grad()
            functional.cross_entropy(logits, sample["labels"]).backward()
            optimizer.step()
        return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def visual_only(state: Mapping[str, Tensor]) -> State:
    return {name: tensor for name, tensor in state.items() if name.startswith("visual.")}


def converted(state: Mapping[str, Tensor], dtype: torch.dtype) -> State:
    return {name: tensor.to(dtype) for name, tensor in state.items()}


def save(path: Path, state: Mapping[str, Tensor]) -> Path:
    """Write a safetensors file."""
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path


def read(path: Path) -> State:
    return dict(load_file(path))
