"""The memory-mapped reader of safetensors files."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from merging.average import Average
from merging.streaming import Inputs, merge
from registry.errors import NotSafetensors
from tests.unit.merging.streams import Held
from worker.safetensors_reader import MappedFile
from worker.torch_tensors import to_tensor_bytes


def _write(path: Path, pad: str) -> Path:
    """A file with three bytes of mask before floats, so that some header paddings misalign the floats."""
    header = {
        "mask": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]},
        "w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [3, 19]},
        "h": {"dtype": "BF16", "shape": [1], "data_offsets": [19, 21]},
    }
    text = json.dumps(header).encode() + pad.encode()
    data = b"\x01\x00\x01" + struct.pack("<4f", 1.5, -2.0, 3.25, 0.0) + b"\x80\x3f"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize("pad", ["", " ", "  ", "   "])
def test_tensors_at_unaligned_addresses_are_read(tmp_path: Path, pad: str) -> None:
    file = MappedFile(_write(tmp_path / "x", pad))
    assert file.names == ("mask", "w", "h")
    assert (file.tensor("w").dtype, file.tensor("w").shape) == ("F32", (2, 2))
    chunks: list[bytes] = []
    merge(
        Inputs(file, file, (file,), {}, lambda _: True), Average(1.0, (1.0,)), lambda _, c: chunks.append(c.tobytes())
    )
    assert b"".join(chunks) == (tmp_path / "x").read_bytes()[-21:]


def test_tensors_equal_what_safetensors_wrote_and_are_read_only(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(5).bfloat16(), "b": torch.zeros(0, 3), "c": torch.tensor(7)}
    save_file(tensors, tmp_path / "x", metadata={"format": "pt"})
    file, held = MappedFile(tmp_path / "x"), Held(tensors)
    assert file.metadata == {"format": "pt"}
    assert set(file.names) == set(tensors)
    for name, tensor in tensors.items():
        assert (file.tensor(name).dtype, file.tensor(name).shape) == (
            to_tensor_bytes(tensor).dtype,
            tuple(tensor.shape),
        )
        assert np.array_equal(file.tensor(name).elements, held.tensor(name).elements)
    with pytest.raises(ValueError, match="read-only"):
        file.tensor("a").elements[0] = 1


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_whose_size_differs_from_its_header_is_refused(tmp_path: Path, change: int) -> None:
    path = _write(tmp_path / "x", "")
    data = path.read_bytes()
    path.write_bytes(data[:change] if change < 0 else data + b"x")
    with pytest.raises(NotSafetensors, match="its header describes"):
        MappedFile(path)
