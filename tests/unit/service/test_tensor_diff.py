"""Tensor diff of files: every dtype of safetensors, every bit pattern, and the cache of comparisons."""

import json
from pathlib import Path

import numpy as np
import pytest

from registry.api_key import Scope, new_key
from registry.errors import Overloaded
from registry.safetensors_header import DTYPE_BYTES, Header, HeaderReader
from service.auth.api_keys import ANYBODY, Caller
from service.auth.shares import SharedLimit
from service.models.tensor_diff import Change, Comparison, TensorDiffer, compare_files


def _file(path: Path, dtype: str, data: bytes) -> tuple[Path, Header]:
    count = len(data) // DTYPE_BYTES[dtype]
    header = json.dumps({"w": {"dtype": dtype, "shape": [count], "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    reader = HeaderReader(1 << 20, 10)
    reader.feed(path.read_bytes())
    return path, reader.finish()


@pytest.mark.parametrize("dtype", sorted(DTYPE_BYTES))
def test_every_dtype_can_be_compared(tmp_path: Path, dtype: str) -> None:
    """The patterns of two bytes, repeated to the element's size: NaNs and infinities of all kinds are among them."""
    patterns = np.arange(65_536, dtype="<u2").tobytes() * max(1, DTYPE_BYTES[dtype] // 2)
    a, b = _file(tmp_path / "a", dtype, patterns), _file(tmp_path / "b", dtype, patterns[::-1])
    same, other = compare_files(a, a), compare_files(a, b)
    assert (same.changed, same.unchanged) == ({}, 1)
    assert list(other.changed) == ["w"]
    measures = other.total.measures
    assert measures["l2"] is None or measures["l2"] > 0


@pytest.mark.parametrize(
    ("dtype", "a", "b", "largest"),
    [
        ("F32", np.array([1, 2], "<f4").tobytes(), np.array([1, -2], "<f4").tobytes(), 4.0),
        ("BF16", b"\x80\x3f", b"\x00\x40", 1.0),
        ("F8_E4M3", b"\x38", b"\x7e", 447.0),
        ("F8_E5M2", b"\x3c", b"\x7b", 57_343.0),
        ("U64", (1 << 63).to_bytes(8, "little"), ((1 << 63) + 1).to_bytes(8, "little"), 1.0),
    ],
)
def test_the_largest_difference_is_that_of_the_values(
    tmp_path: Path, dtype: str, a: bytes, b: bytes, largest: float
) -> None:
    result = compare_files(_file(tmp_path / "a", dtype, a), _file(tmp_path / "b", dtype, b))
    assert result.changed["w"].max_abs == largest


def test_a_comparison_is_made_once_and_the_limit_holds_for_others() -> None:
    differ = TensorDiffer(SharedLimit(1, 0.5, "comparisons", "ODEM_MAX_COMPARISONS"))
    made = Comparison({}, 1, Change())

    def make() -> Comparison:
        with pytest.raises(Overloaded, match="ODEM_MAX_COMPARISONS"):
            differ.compare(("c", "d"), lambda: made, ANYBODY)
        return made

    assert differ.compare(("a", "b"), make, ANYBODY) is made
    assert differ.compare(("a", "b"), lambda: pytest.fail("it is cached"), ANYBODY) is made


def test_a_key_has_its_share_of_the_comparisons_and_another_key_has_one_too() -> None:
    differ = TensorDiffer(SharedLimit(2, 0.5, "comparisons", "ODEM_MAX_COMPARISONS"))
    one, other = (Caller(new_key(name, Scope.READ)[0]) for name in ("one", "other"))
    made = Comparison({}, 1, Change())

    def make() -> Comparison:
        with pytest.raises(Overloaded, match="ODEM_KEY_SHARE"):
            differ.compare(("c", "d"), lambda: made, one)
        return differ.compare(("e", "f"), lambda: made, other)

    assert differ.compare(("a", "b"), make, one) is made
