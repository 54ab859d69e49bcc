"""Synthetic language models in bfloat16, with the names and shapes of a Qwen2 of half a billion parameters."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

_WIDTH, _INNER, _KEYS = 896, 4864, 128


@dataclass(frozen=True)
class Size:
    """How many layers, and how many words."""

    layers: int
    vocabulary: int

    def shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes, in the order of the network."""
        yield "model.embed_tokens.weight", (self.vocabulary, _WIDTH)
        for index in range(self.layers):
            layer = f"model.layers.{index}"
            yield f"{layer}.input_layernorm.weight", (_WIDTH,)
            yield f"{layer}.mlp.down_proj.weight", (_WIDTH, _INNER)
            yield f"{layer}.mlp.gate_proj.weight", (_INNER, _WIDTH)
            yield f"{layer}.mlp.up_proj.weight", (_INNER, _WIDTH)
            yield f"{layer}.post_attention_layernorm.weight", (_WIDTH,)
            for name, rows in (("q", _WIDTH), ("k", _KEYS), ("v", _KEYS)):
                yield f"{layer}.self_attn.{name}_proj.bias", (rows,)
                yield f"{layer}.self_attn.{name}_proj.weight", (rows, _WIDTH)
            yield f"{layer}.self_attn.o_proj.weight", (_WIDTH, _WIDTH)
        yield "model.norm.weight", (_WIDTH,)

    @property
    def parameters(self) -> int:
        """How many numbers."""
        return sum(math.prod(shape) for _, shape in self.shapes())

    @property
    def config(self) -> dict[str, object]:
        """What mergekit reads to know the architecture."""
        return {
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "hidden_size": _WIDTH,
            "intermediate_size": _INNER,
            "num_hidden_layers": self.layers,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "vocab_size": self.vocabulary,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "max_position_embeddings": 4096,
        }


def make(folder: Path, size: Size, count: int) -> None:
    """Write `model0`, the base, and models fine-tuned from it: changes of a tenth of the weights' size, and smaller."""
    for index in range(count):
        model_folder = folder / f"model{index}"
        model_folder.mkdir()
        (model_folder / "config.json").write_text(json.dumps(size.config))
        tensors = {name: _tensor(name, shape, index) for name, shape in size.shapes()}
        save_file(tensors, model_folder / "model.safetensors", metadata={"format": "pt"})


def _tensor(name: str, shape: tuple[int, ...], index: int) -> torch.Tensor:
    # Drawing half a billion normal numbers for each model would take minutes: a table of them is repeated.
    count = math.prod(shape)
    seed = sum(map(ord, name)) * 1009
    base = _repeat(seed, count).mul_(0.02)
    if index:
        base.add_(_repeat(seed + index, count + 7 * index)[7 * index :].mul_(0.002))
    return base.to(torch.bfloat16).reshape(shape)


def _repeat(seed: int, count: int) -> torch.Tensor:
    table = torch.randn(min(count, 1_000_003), generator=torch.Generator().manual_seed(seed))
    return table.repeat(-(-count // len(table)))[:count]
