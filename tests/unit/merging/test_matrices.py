"""Which tensors are matrices: names and shapes as open_clip, timm and Hugging Face have them."""

import numpy as np
import pytest

from merging.matrices import MatrixView, matrix_view

_MATRICES = [
    # open_clip
    ("visual.conv1.weight", (768, 3, 32, 32), MatrixView(1, 768, 3072)),
    ("visual.transformer.resblocks.0.attn.in_proj_weight", (2304, 768), MatrixView(3, 768, 768)),
    ("visual.transformer.resblocks.0.attn.out_proj.weight", (768, 768), MatrixView(1, 768, 768)),
    ("visual.transformer.resblocks.0.mlp.c_fc.weight", (3072, 768), MatrixView(1, 3072, 768)),
    ("visual.transformer.resblocks.0.mlp.c_proj.weight", (768, 3072), MatrixView(1, 768, 3072)),
    ("visual.proj", (768, 512), MatrixView(1, 512, 768, transposed=True)),
    ("text_projection", (512, 256), MatrixView(1, 256, 512, transposed=True)),
    ("visual.attn_pool.attn.q_proj_weight", (512, 768), MatrixView(1, 512, 768)),
    # timm
    ("visual.trunk.blocks.0.attn.qkv.weight", (2304, 768), MatrixView(3, 768, 768)),
    ("visual.trunk.patch_embed.proj.weight", (768, 3, 16, 16), MatrixView(1, 768, 768)),
    ("visual.trunk.blocks.1.0.conv_pw.weight", (96, 16, 1, 1), MatrixView(1, 96, 16)),
    ("visual.trunk.conv_stem.weight", (32, 3, 3, 3), MatrixView(1, 32, 27)),
    ("visual.head.proj.weight", (512, 1280), MatrixView(1, 512, 1280)),
    # Hugging Face
    ("bert.encoder.layer.0.attention.self.query.weight", (384, 384), MatrixView(1, 384, 384)),
    ("bert.encoder.layer.0.output.dense.weight", (384, 1536), MatrixView(1, 384, 1536)),
    ("vision_model.embeddings.patch_embedding.weight", (768, 3, 32, 32), MatrixView(1, 768, 3072)),
    ("visual_projection.weight", (512, 768), MatrixView(1, 512, 768)),
    ("model.layers.0.mlp.down_proj.weight", (896, 4864), MatrixView(1, 896, 4864)),
    ("model.layers.0.self_attn.k_proj.weight", (128, 896), MatrixView(1, 128, 896)),
    ("lm_head.weight", (50257, 768), MatrixView(1, 50257, 768)),
    ("transformer.h.0.attn.c_attn.weight", (768, 2304), MatrixView(3, 768, 768, transposed=True)),
    ("h.11.mlp.c_fc.weight", (768, 3072), MatrixView(1, 3072, 768, transposed=True)),
    ("h.11.mlp.c_proj.weight", (3072, 768), MatrixView(1, 768, 3072, transposed=True)),
    ("h.0.attn.c_attn.weight", (2304, 768), MatrixView(3, 768, 768)),  # nanoGPT
    ("h.0.mlp.c_proj.weight", (768, 3072), MatrixView(1, 768, 3072)),
    ("encoder.conv.weight", (256, 80, 3), MatrixView(1, 256, 240)),
]

_OTHERS = [
    ("token_embedding.weight", (49408, 512)),
    ("positional_embedding", (77, 512)),
    ("visual.positional_embedding", (50, 768)),
    ("visual.class_embedding", (768,)),
    ("visual.ln_pre.weight", (768,)),
    ("visual.transformer.resblocks.0.attn.in_proj_bias", (2304,)),
    ("logit_scale", ()),
    ("visual.trunk.pos_embed", (1, 197, 768)),
    ("visual.trunk.cls_token", (1, 1, 768)),
    ("visual.trunk.blocks.1.0.conv_dw.weight", (96, 1, 3, 3)),
    ("visual.trunk.bn1.running_mean", (32,)),
    ("embeddings.word_embeddings.weight", (30522, 384)),
    ("embeddings.position_embeddings.weight", (512, 384)),
    ("embeddings.LayerNorm.weight", (384,)),
    ("transformer.wte.weight", (50257, 768)),
    ("transformer.wpe.weight", (1024, 768)),
    ("model.embed_tokens.weight", (151936, 896)),
    ("shared.weight", (32128, 512)),
    ("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", (32, 8)),
    ("layers.0.blocks.0.attn.relative_position_bias_table", (169, 3)),
    ("classifier.weight", (1, 384)),
    ("empty.weight", (0, 384)),
]


@pytest.mark.parametrize(("name", "shape", "expected"), _MATRICES, ids=[f"{row[0]}-{row[1][0]}" for row in _MATRICES])
def test_weights_of_linear_maps_are_matrices(name: str, shape: tuple[int, ...], expected: MatrixView) -> None:
    assert matrix_view(name, shape, "F32") == expected
    assert matrix_view(name, shape, "I64") is None, "integers are copied"


@pytest.mark.parametrize(("name", "shape"), _OTHERS, ids=[row[0] for row in _OTHERS])
def test_tables_norms_and_depthwise_convolutions_are_no_matrices(name: str, shape: tuple[int, ...]) -> None:
    assert matrix_view(name, shape, "F32") is None


def test_a_view_has_the_outputs_as_rows_and_writes_through() -> None:
    inputs, outputs = np.arange(4.0), [np.arange(8.0).reshape(2, 4) + 10 * block for block in range(3)]
    packed = np.concatenate(outputs)
    ordinary = MatrixView(3, 2, 4).apply(packed.reshape(-1))
    turned = np.ascontiguousarray(packed.T)
    transposed = MatrixView(3, 2, 4, transposed=True).apply(turned.reshape(-1))
    for view in (ordinary, transposed):
        assert view.shape == (3, 2, 4)
        np.testing.assert_array_equal(np.concatenate(view @ inputs), packed @ inputs)
    transposed[1] = 0
    assert not turned[:, 2:4].any()
    assert turned[:, :2].any()
