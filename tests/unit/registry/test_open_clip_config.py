"""The allow-list of open_clip model configs, and the shapes that follow from one."""

import json
from typing import Any

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.model import CLIP, CustomTextCLIP

from registry.architecture import Architecture, open_clip_configs
from registry.errors import UnknownArchitecture
from registry.open_clip.config import check_config, timm_models
from registry.open_clip.shapes import expected_shapes

_SMALL: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"layers": 1, "width": 16, "head_width": 8, "patch_size": 8, "image_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
_NATIVE = sorted(
    name
    for name, config in open_clip_configs().items()
    if "timm_model_name" not in config["vision_cfg"]
    and not {"hf_model_name", "hf_tokenizer_name"} & set(config["text_cfg"])
    and "multimodal_cfg" not in config
    and not config["vision_cfg"].get("attentional_pool")
    and not config["vision_cfg"].get("output_tokens")
)


def _built(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    values = json.loads(json.dumps(config))
    kind = CustomTextCLIP if values.pop("custom_text", False) else CLIP
    with torch.device("meta"):
        model = kind(**values)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def test_the_list_of_timm_models_is_that_of_the_installed_release() -> None:
    assert timm_models() == set(timm.list_models())


@pytest.mark.parametrize("name", _NATIVE)
def test_the_shapes_of_a_named_model_are_those_that_open_clip_builds(name: str) -> None:
    config = open_clip_configs()[name]
    assert expected_shapes(check_config(config)) == _built(config)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_accepted_config_can_be_built_with_the_computed_shapes(data: st.DataObject) -> None:
    draw = data.draw
    vision = {
        "layers": draw(st.sampled_from([1, 2, [1, 1, 1, 1], [1, 2, 1, 2]])),
        "width": draw(st.sampled_from([16, 32])),
        "head_width": draw(st.sampled_from([8, 16])),
        "mlp_ratio": draw(st.sampled_from([0.5, 1, 4.0, 4.3637])),
        "patch_size": draw(st.sampled_from([4, 16, None])),
        "image_size": draw(st.sampled_from([32, 64, [32, 64]])),
        "ls_init_value": draw(st.sampled_from([None, 0.1])),
        "no_ln_pre": draw(st.booleans()),
        "pos_embed_type": draw(st.sampled_from(["learnable", "sin_cos_2d"])),
        "final_ln_after_pool": draw(st.booleans()),
        "pool_type": draw(st.sampled_from(["tok", "avg"])),
    }
    text = _SMALL["text_cfg"] | {
        "proj_bias": draw(st.booleans()),
        "proj_type": draw(st.sampled_from(["linear", "none"])),
        "ls_init_value": draw(st.sampled_from([None, 0.1])),
        "no_causal_mask": draw(st.booleans()),
    }
    config = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text, "custom_text": draw(st.booleans())}
    try:
        checked = check_config(config)
    except UnknownArchitecture:
        return
    assert expected_shapes(checked) == _built(config)


@pytest.mark.parametrize(
    ("where", "change", "words"),
    [
        ("text_cfg", {"tokenizer_kwargs": {"bpe_path": "/dev/ptmx"}}, "tokenizer_kwargs"),
        ("text_cfg", {"hf_tokenizer_name": "bert-base-uncased"}, "downloads nothing"),
        ("text_cfg", {"hf_model_name": "roberta-base"}, "downloads nothing"),
        ("text_cfg", {"hf_model_pretrained": True}, "hf_model_pretrained"),
        ("text_cfg", {"mlp_ratio": 1e9}, "mlp_ratio"),
        ("text_cfg", {"width": "16"}, "width"),
        ("text_cfg", {"layers": True}, "layers"),
        ("text_cfg", {"context_length": 10**12}, "context_length"),
        ("text_cfg", {"heads": 3}, "multiple of heads"),
        ("vision_cfg", {"timm_model_name": "hf-hub:someone/model"}, "none of timm's"),
        ("vision_cfg", {"timm_model_name": "local-dir:/etc"}, "none of timm's"),
        ("vision_cfg", {"timm_model_name": ["resnet50"]}, "timm_model_name"),
        ("vision_cfg", {"timm_model_name": "resnet50", "timm_model_pretrained": True}, "timm_model_pretrained"),
        ("vision_cfg", {"mlp_ratio": 1e9}, "mlp_ratio"),
        ("vision_cfg", {"mlp_ratio": float("nan")}, "JSON"),
        ("vision_cfg", {"attn_pooler_queries": 10**9}, "attn_pooler_queries"),
        ("vision_cfg", {"attentional_pool": True}, "attentional_pool"),
        ("vision_cfg", {"block_type": "custom"}, "block_type"),
        ("vision_cfg", {"act_kwargs": {"inplace": "x"}}, "act_kwargs"),
        ("vision_cfg", {"image_size": [10**6, 10**6]}, "image_size"),
        ("vision_cfg", {"image_size": None}, "image_size"),
        ("vision_cfg", {"patch_size": 1, "image_size": 1024}, "patches"),
        ("vision_cfg", {"layers": [1, 1, 1, 10**6]}, "layers"),
        ("vision_cfg", {"reduction_mask": "x"}, "reduction_mask"),
    ],
)
def test_a_config_outside_the_allow_list_is_refused_by_the_key(where: str, change: dict[str, Any], words: str) -> None:
    config = _SMALL | {where: _SMALL[where] | change}
    with pytest.raises(UnknownArchitecture, match=words):
        Architecture(open_clip=config).check_buildable()


def test_a_stored_architecture_that_is_not_allowed_any_more_stays_readable() -> None:
    config = _SMALL | {"vision_cfg": _SMALL["vision_cfg"] | {"block_type": "custom"}}
    stored = Architecture(open_clip=config).model_dump_json()
    assert Architecture.model_validate_json(stored).model_config_resolved == config


def test_a_tensor_too_many_is_named() -> None:
    shapes = _built(_SMALL) | {"visual.extra": (10**9,)}
    with pytest.raises(Exception, match=r"visual\.extra is not part of it"):
        Architecture(open_clip=_SMALL).check_weights(shapes)
