"""Conversion of checkpoints to safetensors with open_clip's names. Needs torch and safetensors; runs no pickled code.

Source of the names: transformers' `CLIPModel` and open_clip's `CLIP` (ViT towers), parameter by parameter.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from odem_client.errors import OdemError

Tensors = Mapping[str, torch.Tensor]
_WRAPPERS = ("state_dict", "model", "model_state_dict", "module")
_PREFIXES = ("module.", "_orig_mod.", "model.")
# open_clip's name, transformers' name, and whether the matrix is transposed.
_FIXED: Final = (
    ("logit_scale", "logit_scale", False),
    ("visual.class_embedding", "vision_model.embeddings.class_embedding", False),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight", False),
    ("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight", False),
    ("visual.proj", "visual_projection.weight", True),
    ("visual.ln_pre.weight", "vision_model.pre_layrnorm.weight", False),
    ("visual.ln_pre.bias", "vision_model.pre_layrnorm.bias", False),
    ("visual.ln_post.weight", "vision_model.post_layernorm.weight", False),
    ("visual.ln_post.bias", "vision_model.post_layernorm.bias", False),
    ("token_embedding.weight", "text_model.embeddings.token_embedding.weight", False),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight", False),
    ("ln_final.weight", "text_model.final_layer_norm.weight", False),
    ("ln_final.bias", "text_model.final_layer_norm.bias", False),
    ("text_projection", "text_projection.weight", True),
)
_TOWERS: Final = (
    ("visual.transformer.resblocks", "vision_model.encoder.layers"),
    ("transformer.resblocks", "text_model.encoder.layers"),
)
_LAYER: Final = (
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("attn.out_proj", "self_attn.out_proj"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
)
_QKV: Final = ("q_proj", "k_proj", "v_proj")
_BUFFERS: Final = re.compile(r"(.*\.)?(position_ids|attn_mask)")


class NotConvertible(OdemError):
    """The file cannot be read, or has unknown tensor names."""


def load(path: Path) -> dict[str, torch.Tensor]:
    """A file's tensors, extracted from common wrappers. Raises NotConvertible.

    A .pt, .pth, .bin or .ckpt is opened with `weights_only=True`, which refuses anything but tensors and plain data.
    """
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    try:
        result = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise NotConvertible(
            f"{path} contains more than tensors and plain data and is not opened. Save only the state dict: "
            f"torch.save(model.state_dict(), ...). ({str(error).splitlines()[0]})"
        ) from error
    while isinstance(result, Mapping) and (inner := next((key for key in _WRAPPERS if _holds(result, key)), None)):
        result = result[inner]
    tensors = (
        {name: value for name, value in result.items() if isinstance(value, torch.Tensor)} if _named(result) else {}
    )
    if not tensors:
        raise NotConvertible(f"{path} contains no state dict.")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _named(result: object) -> bool:
    return isinstance(result, Mapping) and all(isinstance(key, str) for key in result)


def _holds(result: Mapping[str, object], key: str) -> bool:
    return isinstance(result.get(key), Mapping)


def save(tensors: Tensors, path: Path) -> None:
    """Write safetensors; the file appears completely or not at all. Shared tensors are written separately."""
    part = path.with_name(f".{path.name}.part")
    try:
        save_file(
            {name: value.detach().clone().contiguous() for name, value in tensors.items()}, part, {"format": "pt"}
        )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def is_hugging_face(tensors: Tensors) -> bool:
    """Whether the names are those of transformers' CLIPModel."""
    return any(name.startswith(("vision_model.", "text_model.")) for name in tensors)


def to_open_clip(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Rename from transformers' names to open_clip's. Raises NotConvertible for an unknown name."""
    left = {name: value for name, value in tensors.items() if not _BUFFERS.fullmatch(name)}
    result: dict[str, torch.Tensor] = {}
    for ours, theirs, transposed in _FIXED:
        if (value := left.pop(theirs, None)) is not None:
            result[ours] = value.T if transposed else value
    for ours, theirs in _TOWERS:
        for number in _layers(left, theirs):
            for kind in ("weight", "bias"):
                for mine, yours in _LAYER:
                    result[f"{ours}.{number}.{mine}.{kind}"] = _take(left, f"{theirs}.{number}.{yours}.{kind}")
                parts = [_take(left, f"{theirs}.{number}.self_attn.{part}.{kind}") for part in _QKV]
                result[f"{ours}.{number}.attn.in_proj_{kind}"] = torch.cat(parts)
    return _all_of(result, left)


def to_hugging_face(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Rename from open_clip's names to transformers'. Raises NotConvertible for an unknown name."""
    left = {name: value for name, value in tensors.items() if not _BUFFERS.fullmatch(name)}
    result: dict[str, torch.Tensor] = {}
    for ours, theirs, transposed in _FIXED:
        if (value := left.pop(ours, None)) is not None:
            result[theirs] = value.T if transposed else value
    for ours, theirs in _TOWERS:
        for number in _layers(left, ours):
            for kind in ("weight", "bias"):
                for mine, yours in _LAYER:
                    result[f"{theirs}.{number}.{yours}.{kind}"] = _take(left, f"{ours}.{number}.{mine}.{kind}")
                parts = _take(left, f"{ours}.{number}.attn.in_proj_{kind}").chunk(3)
                for part, value in zip(_QKV, parts, strict=True):
                    result[f"{theirs}.{number}.self_attn.{part}.{kind}"] = value
    return _all_of(result, left)


def _layers(tensors: Tensors, tower: str) -> list[int]:
    pattern = re.compile(re.escape(tower) + r"\.(\d+)\.")
    return sorted({int(match[1]) for name in tensors if (match := pattern.match(name))})


def _take(tensors: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    try:
        return tensors.pop(name)
    except KeyError:
        raise NotConvertible(f"{name} is missing.") from None


def _all_of(result: dict[str, torch.Tensor], left: Tensors) -> dict[str, torch.Tensor]:
    if left:
        raise NotConvertible(f"Unknown tensor names: {', '.join(sorted(left)[:10])}.")
    return result
