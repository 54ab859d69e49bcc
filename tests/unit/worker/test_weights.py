"""Torch tensors read from and written to safetensors files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from registry.blobs.files import FileBlobStore
from worker.safetensors_writer import Entry, abort_on_error
from worker.torch_tensors import NotFinite, Weights, check_finite, entry_of, write_weights

_TENSORS = {
    "a": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "b": torch.tensor(3, dtype=torch.int64),
    "c": torch.ones(5, dtype=torch.bfloat16),
    "d": torch.zeros(0, 4, dtype=torch.float16),
    "e": torch.tensor([True, False]),
}


def test_written_tensors_load_bit_for_bit(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    entries = [entry_of(name, tensor) for name, tensor in _TENSORS.items()]
    with abort_on_error(store.create()) as writer:
        write_weights(writer, entries, iter(_TENSORS.values()), {"format": "pt"})
        path = store.path(writer.commit().digest)
    loaded = load_file(path)
    assert set(loaded) == set(_TENSORS)
    for name, tensor in _TENSORS.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)
    assert Weights(path).metadata == {"format": "pt"}


def test_weights_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    save_file(_TENSORS, tmp_path / "x.safetensors")
    weights = Weights(tmp_path / "x.safetensors")
    assert set(weights.names) == set(_TENSORS)
    assert torch.equal(weights["a"], _TENSORS["a"])
    assert "z" not in weights


def test_a_tensor_that_does_not_match_its_entry_leaves_no_file(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    entry = Entry("a", "F32", (2,))
    with pytest.raises(ValueError, match="a is"), abort_on_error(store.create()) as writer:
        write_weights(writer, [entry], [torch.zeros(3)], {})
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_tensor_with_a_value_that_is_not_finite_is_named(value: float) -> None:
    with pytest.raises(NotFinite, match=r"x\.y of the checkpoint"):
        check_finite("x.y", torch.tensor([1.0, value]), "the checkpoint")
    check_finite("n", torch.tensor([1]), "the checkpoint")
