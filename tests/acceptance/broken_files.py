"""Files that are no safetensors, or not quite, made byte by byte."""

import io
import json
import struct
from typing import Any

import torch

Entries = dict[str, dict[str, Any]]


def entry(start: int, end: int, dtype: str = "F32", shape: tuple[int, ...] | None = None) -> dict[str, Any]:
    """One tensor of a header: by default as many float32 as fit between the offsets."""
    return {"dtype": dtype, "shape": list(shape or ((end - start) // 4,)), "data_offsets": [start, end]}


def framed(header: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def with_header(entries: Entries, size: int) -> bytes:
    return framed(json.dumps(entries).encode(), bytes(size))


def pickled(*, zipped: bool) -> bytes:
    """A state dict as torch.save writes it: a zip archive today, a bare pickle long ago."""
    buffer = io.BytesIO()
    torch.save({"visual.proj": torch.zeros(2, 2)}, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


_WHOLE = with_header({"a": entry(0, 8), "b": entry(8, 16)}, 16)

# What it is: its bytes, the problem that answers it, and words of the detail.
BROKEN: dict[str, tuple[bytes, str, tuple[str, ...]]] = {
    "text": (b"these are no weights at all\n" * 40, "not-safetensors", ("first eight bytes", "save_file")),
    "short text": (b"hello", "not-safetensors", ("ends before", "truncated")),
    "nothing": (b"", "not-safetensors", ("ends before", "truncated")),
    "a header cut off": (_WHOLE[:40], "not-safetensors", ("ends before", "truncated")),
    "a hole": (with_header({"a": entry(0, 8), "b": entry(12, 20)}, 20), "not-safetensors", ("'b'", "hole")),
    "an overlap": (with_header({"a": entry(0, 8), "b": entry(4, 12)}, 12), "not-safetensors", ("'b'", "overlaps")),
    "a key twice": (
        framed(b'{"a":%s,"a":%s}' % ((json.dumps(entry(0, 8)).encode(),) * 2), bytes(8)),
        "not-safetensors",
        ("'a'", "twice"),
    ),
    "an unknown dtype": (with_header({"a": entry(0, 8, "Q7", (8,))}, 8), "not-safetensors", ("'a'", "Q7")),
    "a wrong size": (with_header({"a": entry(0, 8, shape=(3,))}, 8), "not-safetensors", ("'a'", "12", "8")),
    "a name that is a path": (with_header({"../../etc/passwd": entry(0, 8)}, 8), "not-safetensors", ("path",)),
    "no tensor": (with_header({}, 0), "not-safetensors", ("no tensors",)),
    "a header that is no JSON": (framed(b"{not json at all", b""), "not-safetensors", ("JSON",)),
    "a huge header": (struct.pack("<Q", 90_000_000) + b"{", "too-large", ("ODEM_MAX_HEADER_BYTES",)),
    "a PyTorch file": (pickled(zipped=True), "pickle-refused", ("zip", "torch.load", "weights_only=True", "save_file")),
    "a pickle": (pickled(zipped=False), "pickle-refused", ("pickle", "weights_only=True", "save_file")),
}
