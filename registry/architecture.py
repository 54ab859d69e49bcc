"""Architectures of open_clip networks, checked without torch.

The configs of open_clip's named models are in `registry/open_clip/configs.json`, a copy of the installed release's,
as a test checks. A lineage stores its resolved config, so a later open_clip release changes no lineage.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import Field, model_validator

from registry.base_record import Record
from registry.errors import ArchitectureMismatch, UnknownArchitecture
from registry.open_clip.config import ModelConfig, NativeVision, TimmVision, check_config
from registry.open_clip.shapes import expected_shapes

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)

Shapes = Mapping[str, tuple[int, ...]]
"""Tensor name to shape, as in a safetensors header."""


class Preprocess(Record):
    """Image preprocessing: the fields of open_clip's `preprocess_cfg`. Source: open_clip `PreprocessCfg`."""

    mean: tuple[float, float, float] = Field(OPENAI_MEAN, description="Mean of each channel, for images in [0, 1].")
    std: Annotated[
        tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]],
        Field(description="Standard deviation of each channel, for images in [0, 1]."),
    ] = OPENAI_STD
    mode: str = Field("RGB", description="Colour mode of the images.")
    interpolation: str = Field("bicubic", description="Interpolation of the resizing.")
    resize_mode: str = Field("shortest", description="How images are resized: shortest, longest or squash.")
    fill_color: int = Field(0, description="Value of the pixels that padding adds.")


class Architecture(Record):
    """An open_clip network."""

    open_clip: str | dict[str, Any] = Field(
        description="A name that open_clip knows, such as `ViT-B-32`, or a config (embed_dim, vision_cfg, text_cfg)."
    )
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description='Fields to replace in the named config; nested objects are merged: `{"quick_gelu": true}`.',
    )
    preprocess: Preprocess = Field(Preprocess(), description="Image preprocessing.")

    @model_validator(mode="after")
    def _resolve(self) -> "Architecture":
        """Raises UnknownArchitecture itself, which is no ValueError: pydantic lets it through, with its own type."""
        _check_config(self.model_config_resolved)
        return self

    @property
    def model_config_resolved(self) -> dict[str, Any]:
        """The complete open_clip model config. Raises UnknownArchitecture for a name that open_clip does not know."""
        if isinstance(self.open_clip, dict):
            return _merged(self.open_clip, self.overrides)
        configs = open_clip_configs()
        if self.open_clip not in configs:
            close = get_close_matches(self.open_clip, configs, n=4)
            hint = f" Close names: {', '.join(close)}." if close else ""
            raise UnknownArchitecture(
                f"open_clip knows no model {self.open_clip!r}.{hint} "
                "Give one of open_clip.list_models() or a whole config."
            )
        return _merged(configs[self.open_clip], self.overrides)

    def resolved(self) -> "Architecture":
        """The same architecture with its config written out."""
        return Architecture(open_clip=self.model_config_resolved, preprocess=self.preprocess)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the input images, in pixels."""
        size = self.model_config_resolved["vision_cfg"].get("image_size", 224)
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    @property
    def embed_dim(self) -> int:
        """Length of an image's or a text's embedding."""
        return int(self.model_config_resolved["embed_dim"])

    @property
    def open_clip_config(self) -> dict[str, Any]:
        """The `open_clip_config.json` that, beside the weights, `local-dir:` loads."""
        preprocess = self.preprocess.model_dump(mode="json") | {"size": list(self.image_size)}
        return {"model_cfg": self.model_config_resolved, "preprocess_cfg": preprocess}

    def check_buildable(self) -> ModelConfig:
        """The config as the allow-list accepts it. Raises UnknownArchitecture."""
        return check_config(self.model_config_resolved)

    def check_weights(self, shapes: Shapes) -> None:
        """Compare the config with the names and shapes of a checkpoint's tensors, without building the network.

        A visual tower from timm is compared when a worker builds it. Raises UnknownArchitecture for a config that is
        not on the allow-list, ArchitectureMismatch with the first differences.
        """
        config = self.check_buildable()
        differences = [*_depth_differences(config, shapes), *_differences(config, shapes)]
        if differences:
            listed = "; ".join(differences[:5])
            more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
            raise ArchitectureMismatch(
                f"The base is not of this architecture: {listed}{more}. "
                "Send the full open_clip state dict of this model."
            )


@cache
def open_clip_configs() -> dict[str, dict[str, Any]]:
    """open_clip's named model configs, by name."""
    text = resources.files("registry.open_clip").joinpath("configs.json").read_text("utf-8")
    configs: dict[str, dict[str, Any]] = json.loads(text)
    return configs


def _merged(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(config)
    for key, value in overrides.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if nested else value
    return result


_ALLOWED = {
    "embed_dim",
    "vision_cfg",
    "text_cfg",
    "quick_gelu",
    "custom_text",
    "init_logit_scale",
    "init_logit_bias",
}
_ALLOWED |= {"multimodal_cfg", "nonscalar_logit_scale", "output_dict"}


def _check_config(config: Mapping[str, Any]) -> None:
    for key, kind in (("embed_dim", int), ("vision_cfg", dict), ("text_cfg", dict)):
        if not isinstance(config.get(key), kind):
            raise UnknownArchitecture(f"An open_clip model config needs {key!r} ({kind.__name__}).")
    if unknown := sorted(set(config) - _ALLOWED):
        raise UnknownArchitecture(f"An open_clip model config has no {', '.join(map(repr, unknown))}.")
    text = config["text_cfg"]
    if text.get("hf_model_name"):
        raise UnknownArchitecture(
            "Text towers from the Hugging Face hub are not supported: the service downloads nothing. "
            "Use an architecture with open_clip's own text tower."
        )
    if "multimodal_cfg" in config:
        raise UnknownArchitecture("CoCa models are not supported: their towers are not separate.")


def _differences(config: ModelConfig, shapes: Shapes) -> list[str]:
    expected = expected_shapes(config)
    matches = [_difference(shapes, name, shape) for name, shape in expected.items()]
    is_timm = isinstance(config.vision_cfg, TimmVision)
    unexpected = [name for name in shapes if name not in expected and not (is_timm and name.startswith("visual."))]
    return [text for text in matches if text] + [f"{name[:100]} is not part of it" for name in unexpected]


def _difference(shapes: Shapes, name: str, shape: tuple[int, ...]) -> str | None:
    if name not in shapes:
        return f"{name} is missing (expected {list(shape)})"
    matches = shapes[name]
    if matches == shape or (name in {"logit_scale", "logit_bias"} and matches in {(), (1,)}):
        return None
    return f"{name} has shape {list(matches)}, expected {list(shape)}"


def _depth_differences(config: ModelConfig, shapes: Shapes) -> list[str]:
    prefix = "text." if config.custom_text else ""
    towers = [(f"{prefix}transformer.resblocks.", config.text_cfg.layers)]
    if isinstance(config.vision_cfg, NativeVision) and isinstance(config.vision_cfg.layers, int):
        towers.append(("visual.transformer.resblocks.", config.vision_cfg.layers))
    result = []
    for stem, layers in towers:
        blocks = {name[len(stem) :].split(".", 1)[0] for name in shapes if name.startswith(stem)}
        if len(blocks) != layers:
            result.append(f"{stem}* has {len(blocks)} blocks, expected {layers}")
    return result
