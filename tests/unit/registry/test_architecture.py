"""Architectures without torch."""

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP

from registry.architecture import Architecture, open_clip_configs
from registry.errors import ArchitectureMismatch, UnknownArchitecture


def test_the_copied_configs_are_those_of_the_installed_open_clip() -> None:
    folder = Path(open_clip.__file__).parent / "model_configs"
    assert open_clip_configs() == {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    config = json.loads(json.dumps(architecture.model_config_resolved))
    kind = CustomTextCLIP if config.pop("custom_text", False) else CLIP
    with torch.device("meta"):
        model = kind(**config)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16-plus-240", "ViT-L-14-336", "RN50", "ViT-B-32-256"])
def test_weights_of_a_named_model_are_of_its_architecture(name: str) -> None:
    architecture = Architecture(open_clip=name)
    architecture.check_weights(_shapes(architecture))


def test_weights_of_another_model_are_refused_by_tensor_name() -> None:
    shapes = _shapes(Architecture(open_clip="ViT-B-16"))
    with pytest.raises(
        ArchitectureMismatch, match=r"visual.conv1.weight has shape \[768, 3, 16, 16\], expected"
    ) as caught:
        Architecture(open_clip="ViT-B-32").check_weights(shapes)
    assert "positional_embedding" in str(caught.value)


def test_a_missing_block_is_seen() -> None:
    shapes = _shapes(Architecture(open_clip="ViT-B-32"))
    fewer = {name: shape for name, shape in shapes.items() if not name.startswith("visual.transformer.resblocks.11.")}
    with pytest.raises(ArchitectureMismatch, match="11 blocks, expected 12"):
        Architecture(open_clip="ViT-B-32").check_weights(fewer)


def test_overrides_replace_inside_nested_objects() -> None:
    architecture = Architecture(open_clip="ViT-B-32", overrides={"quick_gelu": True, "text_cfg": {"layers": 6}})
    config = architecture.model_config_resolved
    assert config["quick_gelu"] is True
    assert config["text_cfg"]["layers"] == 6
    assert config["text_cfg"]["width"] == 512
    assert architecture.resolved().model_config_resolved == config


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("ViT-B-33", "ViT-B-32"),
        ({"embed_dim": 8, "vision_cfg": {}}, "text_cfg"),
        ({"embed_dim": 8, "vision_cfg": {}, "text_cfg": {}, "nope": 1}, "nope"),
        ("roberta-ViT-B-32", "downloads nothing"),
        ("coca_ViT-B-32", "CoCa"),
    ],
)
def test_architectures_that_cannot_be_built_are_refused(wanted: str | dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownArchitecture, match=words):
        Architecture(open_clip=wanted)


def test_the_open_clip_config_carries_size_and_preprocessing() -> None:
    config = Architecture(open_clip="ViT-L-14-336").open_clip_config
    assert config["preprocess_cfg"]["size"] == [336, 336]
    assert config["model_cfg"]["vision_cfg"]["image_size"] == 336
