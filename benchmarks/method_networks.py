"""Networks of random weights in the shapes of real ones, with task vectors whose spectra fall as real ones do."""

import math
from collections.abc import Mapping
from typing import Final

import torch

Shapes = Mapping[str, tuple[int, ...]]

NAMES: Final = ("vit-b-32", "0.5b")

_DISTANCE: Final = 0.005
"""Norm of a task vector over that of the base."""


def block(network: str, shrink: int = 1) -> Shapes:
    """One transformer block; shrink: what widths are divided by."""
    if network == "vit-b-32":
        return _vit_block("visual.transformer.resblocks.0.", 768 // shrink)
    width, inner, small = 896 // shrink, 4864 // shrink, 128 // shrink
    return {
        "model.layers.0.self_attn.q_proj.weight": (width, width),
        "model.layers.0.self_attn.k_proj.weight": (small, width),
        "model.layers.0.self_attn.v_proj.weight": (small, width),
        "model.layers.0.self_attn.o_proj.weight": (width, width),
        "model.layers.0.mlp.gate_proj.weight": (inner, width),
        "model.layers.0.mlp.up_proj.weight": (inner, width),
        "model.layers.0.mlp.down_proj.weight": (width, inner),
        "model.layers.0.input_layernorm.weight": (width,),
    }


def vit_b_32() -> Shapes:
    """The whole visual tower, as open_clip names it."""
    shapes: dict[str, tuple[int, ...]] = {
        "visual.class_embedding": (768,),
        "visual.positional_embedding": (50, 768),
        "visual.proj": (768, 512),
        "visual.conv1.weight": (768, 3, 32, 32),
    }
    for index in range(12):
        shapes |= _vit_block(f"visual.transformer.resblocks.{index}.", 768)
    return shapes


def _vit_block(prefix: str, width: int) -> dict[str, tuple[int, ...]]:
    return {
        prefix + "ln_1.weight": (width,),
        prefix + "ln_1.bias": (width,),
        prefix + "attn.in_proj_weight": (3 * width, width),
        prefix + "attn.in_proj_bias": (3 * width,),
        prefix + "attn.out_proj.weight": (width, width),
        prefix + "attn.out_proj.bias": (width,),
        prefix + "mlp.c_fc.weight": (4 * width, width),
        prefix + "mlp.c_fc.bias": (4 * width,),
        prefix + "mlp.c_proj.weight": (width, 4 * width),
        prefix + "mlp.c_proj.bias": (width,),
    }


def base(shapes: Shapes) -> dict[str, torch.Tensor]:
    """Weights in float32."""
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) / math.sqrt(shape[-1]) for name, shape in shapes.items()}


def checkpoint(start: Mapping[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """The base half a percent away, in directions whose weight falls as 1 / their number."""
    generator = torch.Generator().manual_seed(seed + 1)
    tuned = {}
    for name, tensor in start.items():
        change = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            falling = 1.0 / torch.arange(1, tensor.shape[-1] + 1)
            change = change * falling[torch.randperm(tensor.shape[-1], generator=generator)]
        tuned[name] = tensor + change * (_DISTANCE * tensor.norm() / change.norm())
    return tuned
