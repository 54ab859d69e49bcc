"""Names and shapes of every tensor of open_clip's own towers, computed from a model config without torch.

Source: open_clip 3.3, `VisionTransformer`, `ModifiedResNet`, `TextTransformer` and `CLIP`.
"""

from collections.abc import Iterator

from registry.open_clip.config import ModelConfig, NativeVision, Text, pair

Shape = tuple[int, ...]
_EXPANSION = 4
"""Channels of a ResNet bottleneck's output over those of its middle."""


def expected_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Tensor name → shape of the whole state dict; without the visual tower where that is timm's."""
    shapes: dict[str, Shape] = {"logit_scale": (1,) if config.nonscalar_logit_scale else ()}
    if config.init_logit_bias is not None:
        shapes["logit_bias"] = shapes["logit_scale"]
    vision = config.vision_cfg
    if isinstance(vision, NativeVision):
        tower = _resnet if isinstance(vision.layers, tuple) else _vision_transformer
        shapes |= {f"visual.{name}": shape for name, shape in tower(vision, config.embed_dim)}
    prefix = "text." if config.custom_text else ""
    return shapes | {prefix + name: shape for name, shape in _text(config.text_cfg, config.embed_dim)}


def _block(width: int, ratio: float, *, layer_scale: bool) -> Iterator[tuple[str, Shape]]:
    hidden = int(width * ratio)
    for norm in ("ln_1", "ln_2"):
        yield from _affine(norm, width)
    yield from (("attn.in_proj_weight", (3 * width, width)), ("attn.in_proj_bias", (3 * width,)))
    yield from _linear("attn.out_proj", width, width)
    yield from _linear("mlp.c_fc", hidden, width)
    yield from _linear("mlp.c_proj", width, hidden)
    if layer_scale:
        yield from (("ls_1.gamma", (width,)), ("ls_2.gamma", (width,)))


def _blocks(width: int, layers: int, ratio: float, *, layer_scale: bool) -> Iterator[tuple[str, Shape]]:
    for index in range(layers):
        for name, shape in _block(width, ratio, layer_scale=layer_scale):
            yield f"transformer.resblocks.{index}.{name}", shape


def _vision_transformer(vision: NativeVision, embed: int) -> Iterator[tuple[str, Shape]]:
    assert isinstance(vision.layers, int)  # noqa: S101  four numbers are a ResNet's
    assert vision.patch_size is not None  # noqa: S101  checked by the config
    height, width_in_pixels = pair(vision.image_size)
    patches, width = (height // vision.patch_size) * (width_in_pixels // vision.patch_size), vision.width
    yield "class_embedding", (width,)
    yield "positional_embedding", (patches + 1, width)
    yield "conv1.weight", (width, 3, vision.patch_size, vision.patch_size)
    if not vision.no_ln_pre:
        yield from _affine("ln_pre", width)
    yield from _blocks(width, vision.layers, vision.mlp_ratio, layer_scale=vision.ls_init_value is not None)
    yield from _affine("ln_post", width)
    yield "proj", (width, embed)


def _resnet(vision: NativeVision, embed: int) -> Iterator[tuple[str, Shape]]:
    assert isinstance(vision.layers, tuple)  # noqa: S101  one number is a transformer's
    width = vision.width
    for index, (out, incoming) in enumerate(((width // 2, 3), (width // 2, width // 2), (width, width // 2)), start=1):
        yield f"conv{index}.weight", (out, incoming, 3, 3)
        yield from _batch_norm(f"bn{index}", out)
    channels = width
    for stage, blocks in enumerate(vision.layers):
        planes = width * 2**stage
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            for name, shape in _bottleneck(channels, planes, stride):
                yield f"layer{stage + 1}.{block}.{name}", shape
            channels = planes * _EXPANSION
    side = pair(vision.image_size)[0] // 32
    yield "attnpool.positional_embedding", (side * side + 1, channels)
    for name in ("q_proj", "k_proj", "v_proj"):
        yield from _linear(f"attnpool.{name}", channels, channels)
    yield from _linear("attnpool.c_proj", embed, channels)


def _bottleneck(channels: int, planes: int, stride: int) -> Iterator[tuple[str, Shape]]:
    out = planes * _EXPANSION
    for index, shape in enumerate(((planes, channels, 1, 1), (planes, planes, 3, 3), (out, planes, 1, 1)), start=1):
        yield f"conv{index}.weight", shape
        yield from _batch_norm(f"bn{index}", shape[0])
    if stride > 1 or channels != out:
        yield "downsample.0.weight", (out, channels, 1, 1)
        yield from _batch_norm("downsample.1", out)


def _text(text: Text, embed: int) -> Iterator[tuple[str, Shape]]:
    width = text.width
    yield "token_embedding.weight", (text.vocab_size, width)
    yield "positional_embedding", (text.context_length, width)
    yield from _blocks(width, text.layers, text.mlp_ratio, layer_scale=text.ls_init_value is not None)
    yield from _affine("ln_final", width)
    if text.proj_type == "linear":
        if text.proj_bias:
            yield from _linear("text_projection", embed, width)
        else:
            yield "text_projection", (width, embed)


def _affine(name: str, size: int) -> Iterator[tuple[str, Shape]]:
    yield from ((f"{name}.weight", (size,)), (f"{name}.bias", (size,)))


def _linear(name: str, out: int, incoming: int) -> Iterator[tuple[str, Shape]]:
    yield from ((f"{name}.weight", (out, incoming)), (f"{name}.bias", (out,)))


def _batch_norm(name: str, size: int) -> Iterator[tuple[str, Shape]]:
    yield from _affine(name, size)
    yield from (
        (f"{name}.running_mean", (size,)),
        (f"{name}.running_var", (size,)),
        (f"{name}.num_batches_tracked", ()),
    )
