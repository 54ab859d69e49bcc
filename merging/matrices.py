"""Which tensors of a network are matrices, and how: by name, shape and dtype alone.

A matrix is the weight of a linear map, out × in, whose inputs are the layer's inputs. The rules, in this order:

1. Only floating-point tensors with elements are matrices, and only those named `weight`, `*proj_weight`, or like the
   bare projections of CLIP (`proj`, `text_projection`).
2. Two dimensions: a linear layer, out × in. Embedding tables (token, position, class, relative bias) are no maps. Bare
   projections and the `Conv1D` layers of GPT-2 (`h.0.attn.c_attn.weight`, ...) are stored as in × out: transposed.
3. Packed query, key and value (`in_proj_weight`, `qkv.weight`, `Wqkv.weight`, `qkv_proj.weight`, `c_attn.weight`), a
   third of the outputs each, are three matrices with one shared input.
4. Three to five dimensions: a convolution, out × (in·kh·kw). Those with one input channel per group are depthwise: no
   matrices. Other grouped convolutions cannot be told from dense ones by their shape.
5. Everything else, such as norms, biases, tables and tokens, is no matrix: methods average it.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from merging.tensor_bytes import MERGEABLE

_BARE_PROJECTIONS: Final = ("proj", "text_projection")
"""Last words of parameters that multiply from the right: stored as in × out."""

_EMBEDDING_WORDS: Final = frozenset({"wte", "wpe", "shared", "relative_attention_bias"})
"""Words of names of embedding tables that do not contain `emb`."""

_CONV1D: Final = re.compile(r"(?:^|\.)h\.\d+\.(?:attn|crossattention|mlp)\.(?:c_attn|q_attn|c_fc|c_proj)\.weight$")
"""The layers of GPT-2 in Hugging Face's names. open_clip's `c_fc` and `c_proj`, in `resblocks.N`, are ordinary ones."""

_PACKED: Final = re.compile(r"(?:^|\.)(?:in_proj_weight|(?:qkv|Wqkv|qkv_proj|c_attn)\.weight)$")


@dataclass(frozen=True)
class MatrixView:
    """A tensor as `blocks` matrices, each rows × columns, that is out × in. transposed: stored as in × (blocks·out)."""

    blocks: int
    rows: int
    columns: int
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """[blocks, rows, columns]."""
        return self.blocks, self.rows, self.columns

    def apply(self, elements: NDArray[Any]) -> NDArray[Any]:
        """A view, [blocks, rows, columns], of a tensor's elements in C order; writing to it writes to them."""
        if self.transposed:
            return elements.reshape(self.columns, self.blocks, self.rows).transpose(1, 2, 0)
        return elements.reshape(self.shape)


def matrix_view(name: str, shape: tuple[int, ...], dtype: str) -> MatrixView | None:
    """The tensor as matrices; None where it is none. dtype: as safetensors names it."""
    words = name.split(".")
    if dtype not in MERGEABLE or 0 in shape or not _is_weight(words[-1]):
        return None
    if len(shape) == 2:
        return None if _is_table(words) else _linear(name, words[-1], shape)
    if 3 <= len(shape) <= 5 and words[-1] == "weight":
        depthwise = shape[1] == 1
        columns = 1
        for size in shape[1:]:
            columns *= size
        return None if depthwise else MatrixView(1, shape[0], columns)
    return None


def _is_weight(last: str) -> bool:
    return last == "weight" or last.endswith("proj_weight") or last in _BARE_PROJECTIONS


def _is_table(words: list[str]) -> bool:
    """Whether a two-dimensional tensor is an embedding table. A patch embedding is a linear map."""
    if any("patch_emb" in word for word in words):
        return False
    return any("emb" in word or word in _EMBEDDING_WORDS for word in words)


def _linear(name: str, last: str, shape: tuple[int, ...]) -> MatrixView | None:
    if min(shape) < 2:
        return None
    transposed = last in _BARE_PROJECTIONS or _is_conv1d(name, shape)
    columns, outputs = shape if transposed else (shape[1], shape[0])
    blocks = 3 if _PACKED.search(name) and outputs % 3 == 0 and outputs >= 6 else 1
    return MatrixView(blocks, outputs // blocks, columns, transposed)


def _is_conv1d(name: str, shape: tuple[int, ...]) -> bool:
    """Whether GPT-2's names mean in × out: not where the shape shows an ordinary layer, as in nanoGPT."""
    if _CONV1D.search(name) is None:
        return False
    widens = "c_proj" not in name
    return shape[0] == shape[1] or (shape[0] < shape[1]) == widens
