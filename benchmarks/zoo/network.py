"""The network that every model of the zoo has: a small open_clip CLIP."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from open_clip import SimpleTokenizer, build_zero_shot_classifier
from open_clip.model import CLIP
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.zoo.images import SIZE, Kind, Labelled

CONFIG: dict[str, Any] = {
    "embed_dim": 64,
    "quick_gelu": True,
    "vision_cfg": {"layers": 3, "width": 96, "head_width": 32, "patch_size": 8, "image_size": SIZE},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
"""open_clip's model config. QuickGELU is on so that losing it would be seen."""

PREPROCESS: dict[str, Any] = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
"""Of images in [0, 1]; the fields of open_clip's `preprocess_cfg`."""

VISUAL = "visual."
"""Prefix of the names of the visual tower's tensors."""


def fresh(seed: int) -> CLIP:
    """A network with random weights drawn by `seed`, in train mode; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLIP(**json.loads(json.dumps(CONFIG)))


def load(base: Path, checkpoint: Path | None = None) -> CLIP:
    """A network in eval mode: a full state dict, with the tensors of `checkpoint` in place of its own where it has any.

    Raises RuntimeError when names or shapes do not match.
    """
    network = fresh(0)
    network.load_state_dict(load_file(base) | (load_file(checkpoint) if checkpoint else {}))
    return network.eval()


def save(state: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors as safetensors; the file appears whole or not at all."""
    partial = path.with_suffix(".partial")
    save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, partial, {"format": "pt"})
    partial.replace(path)


def normalised(images: Tensor) -> Tensor:
    """Images uint8 [n, 3, H, W] as the tower takes them: float32."""
    mean = torch.tensor(PREPROCESS["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(PREPROCESS["std"]).view(1, 3, 1, 1)
    return (images.float() / 255 - mean) / std


def tokens(texts: list[str]) -> Tensor:
    """int64 [n, context_length]."""
    found: Tensor = SimpleTokenizer(context_length=CONFIG["text_cfg"]["context_length"])(texts)
    return found


def zero_shot_head(network: CLIP, kind: Kind) -> Tensor:
    """Unit-norm text embeddings [classes, embed_dim], each the mean over the kind's templates."""
    head: Tensor = build_zero_shot_classifier(network, tokens, kind.classnames, kind.templates, None)
    return head.T.contiguous()


@torch.no_grad()
def answers(network: CLIP, head: Tensor, images: Tensor) -> Tensor:
    """Cosine similarities [n, classes] of images uint8 [n, 3, H, W] with the rows of a head [classes, embed_dim]."""
    features = [network.encode_image(normalised(batch), normalize=True) for batch in images.split(256)]
    return torch.cat(features) @ head.T


def accuracy(network: CLIP, head: Tensor, data: Labelled) -> float:
    """Share of images whose nearest class is the right one."""
    found = answers(network, head, torch.from_numpy(data.images)).argmax(dim=-1)
    return float((found == torch.from_numpy(data.labels)).double().mean())


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The plain average of state dicts, tensor by tensor, computed in float64."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }
