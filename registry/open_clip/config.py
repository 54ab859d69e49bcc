"""Allow-list of open_clip model configs: which keys a client may send, with their types and ranges.

open_clip passes parts of a config on to file paths, model hubs and constructors. Only configs that this module accepts
are built: no path, no URL, no hub name, and no size from which a network larger than its weights could be allocated.
Source: open_clip 3.3, `CLIPVisionCfg` and `CLIPTextCfg` (`src/open_clip/model.py`).
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from registry.errors import UnknownArchitecture

_Width = Annotated[int, Field(ge=1, le=8192)]
_Depth = Annotated[int, Field(ge=1, le=128)]
_Pixels = Annotated[int, Field(ge=1, le=1024)]
_Ratio = Annotated[float, Field(ge=0.1, le=16)]
_Scale = Annotated[float, Field(ge=0, le=10)]
_Rate = Annotated[float, Field(ge=0, le=0.99)]
_NO_HUB = "from the Hugging Face hub are not supported, because the service downloads nothing"
_REASONS = {
    "hf_model_name": f"text towers {_NO_HUB}",
    "hf_tokenizer_name": f"tokenizers {_NO_HUB}",
}


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Activation(_Config):
    approximate: Literal["none", "tanh"] = "none"


class _Norm(_Config):
    eps: Annotated[float, Field(gt=0, le=0.1)] = 1e-5


class TimmVision(_Config):
    """A visual tower from timm: one of its model names, never a hub or a folder."""

    timm_model_name: Annotated[str, Field(max_length=100)]
    image_size: _Pixels | tuple[_Pixels, _Pixels] = 224
    timm_model_pretrained: Literal[False] = False
    timm_pool: Literal["", "avg", "map", "token", "abs_attn", "rot_attn"] = "avg"
    timm_proj: Literal["", "linear", "mlp", "none"] | None = "linear"
    timm_proj_bias: bool = False
    timm_drop: _Rate = 0.0
    timm_drop_path: _Rate | None = None

    @field_validator("timm_model_name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in timm_models():
            raise ValueError(f"{name!r} is none of timm's model names")
        return name


class NativeVision(_Config):
    """open_clip's own visual tower: a vision transformer, or with four numbers of layers a ResNet."""

    layers: _Depth | tuple[_Depth, _Depth, _Depth, _Depth] = 12
    width: _Width = 768
    head_width: Annotated[int, Field(ge=1, le=1024)] = 64
    mlp_ratio: _Ratio = 4.0
    patch_size: Annotated[int, Field(ge=1, le=256)] | None = 16
    image_size: _Pixels | tuple[_Pixels, _Pixels] = 224
    ls_init_value: _Scale | None = None
    patch_dropout: _Rate = 0.0
    attentional_pool: Literal[False] = False
    no_ln_pre: bool = False
    pos_embed_type: Literal["learnable", "sin_cos_2d"] = "learnable"
    final_ln_after_pool: bool = False
    pool_type: Literal["tok", "avg"] = "tok"
    output_tokens: Literal[False] = False
    act_kwargs: _Activation | None = None
    norm_kwargs: _Norm | None = None

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        height, width = pair(self.image_size)
        if isinstance(self.layers, tuple):
            if self.width % 2 or self.width * 32 % self.head_width:
                raise ValueError("width must be even, and 32 times it a multiple of head_width")
            if self.image_size != height or height % 32:
                raise ValueError("image_size of a ResNet must be one number, a multiple of 32")
            return self
        if self.patch_size is None:
            raise ValueError("a vision transformer needs a patch_size")
        if self.width % self.head_width:
            raise ValueError(f"width {self.width} is no multiple of head_width {self.head_width}")
        if self.patch_size > min(height, width):
            raise ValueError("patch_size is larger than image_size")
        if (height // self.patch_size) * (width // self.patch_size) > _MOST_PATCHES:
            raise ValueError(f"image_size and patch_size make more than {_MOST_PATCHES} patches")
        if self.pos_embed_type == "sin_cos_2d" and (height != width or self.width % 4):
            raise ValueError("sin_cos_2d needs square images and a width that is a multiple of 4")
        return self


class Text(_Config):
    """open_clip's own text tower, with its own tokenizer."""

    context_length: Annotated[int, Field(ge=3, le=1024)] = 77
    vocab_size: Annotated[int, Field(ge=49_408, le=2_000_000)] = 49_408
    width: _Width = 512
    heads: Annotated[int, Field(ge=1, le=256)] = 8
    layers: _Depth = 12
    mlp_ratio: _Ratio = 4.0
    ls_init_value: _Scale | None = None
    embed_cls: Literal[False] = False
    pad_id: Annotated[int, Field(ge=0, le=2_000_000)] = 0
    eos_id: Annotated[int, Field(ge=0, le=2_000_000)] = 2
    no_causal_mask: bool = False
    final_ln_after_pool: bool = False
    pool_type: Literal["argmax", "first", "last", "eos"] = "argmax"
    proj_bias: bool = False
    proj_type: Literal["linear", "none"] | None = "linear"
    output_tokens: Literal[False] = False
    act_kwargs: _Activation | None = None
    norm_kwargs: _Norm | None = None

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        if max(self.pad_id, self.eos_id) >= self.vocab_size:
            raise ValueError("pad_id and eos_id must be below vocab_size")
        return self


class ModelConfig(_Config):
    """A whole open_clip model config."""

    embed_dim: _Width
    vision_cfg: NativeVision | TimmVision
    text_cfg: Text
    quick_gelu: bool = False
    custom_text: bool = False
    init_logit_scale: Annotated[float, Field(ge=-100, le=100)] | None = None
    init_logit_bias: Annotated[float, Field(ge=-1000, le=1000)] | None = None
    nonscalar_logit_scale: bool = False


class _NativeModel(ModelConfig):
    vision_cfg: NativeVision


class _TimmModel(ModelConfig):
    vision_cfg: TimmVision


_MOST_PATCHES = 16_384
"""Image patches of one vision transformer: 128 × 128."""


def check_config(config: Mapping[str, Any]) -> ModelConfig:
    """Validate a model config against the allow-list. Raises UnknownArchitecture."""
    vision, text = config.get("vision_cfg"), config.get("text_cfg")
    for key, reason in _REASONS.items():
        if isinstance(text, Mapping) and text.get(key):
            raise UnknownArchitecture(f"text_cfg.{key}: {reason}. Use an architecture with open_clip's own text tower.")
    timm = isinstance(vision, Mapping) and vision.get("timm_model_name") is not None
    try:
        # As JSON, so that lists are tuples while numbers keep their strict types.
        return (_TimmModel if timm else _NativeModel).model_validate_json(json.dumps(dict(config), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise UnknownArchitecture(f"The open_clip model config is not valid: {_describe(error)}.") from error


def pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width."""
    return (size, size) if isinstance(size, int) else size


def _describe(error: Exception) -> str:
    """The first three faults, without the values that were sent."""
    if not isinstance(error, ValidationError):
        return "it cannot be written as JSON"
    result = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [
        f"{'.'.join(str(step)[:60] for step in item['loc']) or 'config'}: {item['msg']}"[:200] for item in result[:3]
    ]
    return "; ".join(parts) + (f"; and {len(result) - 3} more" if len(result) > 3 else "")


@cache
def timm_models() -> frozenset[str]:
    """Names of timm's models, a copy of the installed release's list that a test holds equal to it."""
    text = resources.files("registry.open_clip").joinpath("timm_models.json").read_text("utf-8")
    return frozenset(json.loads(text))
