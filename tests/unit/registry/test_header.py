"""The incremental parser of safetensors headers."""

import json
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from registry.errors import NotSafetensors, PickleRefused, TensorMismatch, TooLarge
from registry.safetensors_header import HeaderReader, check_checkpoint, parse_header

_LIMIT = 1 << 20


def _reader() -> HeaderReader:
    return HeaderReader(max_header_bytes=_LIMIT, max_tensors=100)


def _file(document: object) -> bytes:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return struct.pack("<Q", len(text)) + text


def _entry(shape: list[int], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@given(cut=st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_pieces_of_any_size_give_the_same_header(cut: list[int]) -> None:
    data = save({"a": torch.zeros(2, 3), "b": torch.ones(4, dtype=torch.int64)}, {"format": "pt"})
    reader, position = _reader(), 0
    for size in cut * (len(data) // sum(cut) + 1):
        reader.feed(data[position : position + size])
        position += size
    header = reader.finish()
    assert header.shapes == {"a": (2, 3), "b": (4,)}
    assert header.size == len(data)
    assert header.metadata == {"format": "pt"}


def test_the_header_is_complete_before_the_data_arrives() -> None:
    data = save({"a": torch.zeros(1000)})
    length = 8 + int.from_bytes(data[:8], "little")
    assert _reader().feed(data[: length - 1]) is None
    assert _reader().feed(data[:length]) is not None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{]", "not valid JSON"),
        (b"[]", "not a JSON object"),
        ({}, "no tensors"),
        (b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{}}', "twice"),
        ({"a": _entry([1], 0, 8)}, "need 4"),
        ({"a": _entry([1], 4, 8)}, "hole"),
        ({"a": _entry([2], 0, 8), "b": _entry([1], 4, 8)}, "overlaps"),
        ({"a": _entry([1], 0, 4, "F31")}, "unknown dtype"),
        ({"a": _entry([-1], 0, 4)}, "non-negative"),
        ({"a": _entry([True], 0, 4)}, "non-negative"),
        ({"a": {"dtype": "F32", "shape": [1]}}, "exactly"),
        ({"../../etc/x": _entry([1], 0, 4)}, "not allowed"),
        ({"/etc/x": _entry([1], 0, 4)}, "not allowed"),
        ({"a\nb": _entry([1], 0, 4)}, "not allowed"),
        ({"__metadata__": {"a": 1}, "b": _entry([1], 0, 4)}, "object of strings"),
        ({"__metadata__": {"a": "\ud800"}, "b": _entry([1], 0, 4)}, "lone surrogate"),
        ({"__metadata__": {"\udc00": "a"}, "b": _entry([1], 0, 4)}, "lone surrogate"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_malformed_headers_are_refused_with_the_reason(document: object, words: str) -> None:
    with pytest.raises(NotSafetensors, match=words):
        _reader().feed(_file(document))


def test_too_many_tensors_are_refused_by_the_settings_name() -> None:
    document = {f"t{i}": _entry([0], 0, 0) for i in range(101)}
    with pytest.raises(TooLarge, match="ODEM_MAX_TENSORS"):
        _reader().feed(_file(document))


@pytest.mark.parametrize(
    "document",
    [
        b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b',"999999":0}',
        b'{"a":[' + b"[]," * 5_000_000 + b"0]}",
        b'{"a":%s}' % (b"{" * 900_000),
        b"{" + b'"a":0,' * 100_000 + b'"a":0}',
    ],
    ids=["members", "lists", "objects", "one name"],
)
def test_a_header_that_would_keep_the_parser_busy_is_refused_quickly(document: bytes) -> None:
    start = time.process_time()
    with pytest.raises((TooLarge, NotSafetensors)):
        parse_header(document, 100)
    assert time.process_time() - start < 1.0


def test_a_long_header_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge, match="ODEM_MAX_HEADER_BYTES"):
        _reader().feed(struct.pack("<Q", _LIMIT + 1))


@pytest.mark.parametrize("start", [b"PK\x03\x04aaaa", b"\x80\x02}q\x00(X\x01"])
def test_pickles_are_recognized_by_their_first_bytes(start: bytes) -> None:
    with pytest.raises(PickleRefused, match="weights_only=True"):
        _reader().feed(start)


@pytest.mark.parametrize("start", [b"GGUF\x03\x00\x00\x00", b"hello, world", b"\x00" * 8])
def test_other_files_are_refused(start: bytes) -> None:
    with pytest.raises(NotSafetensors, match="safetensors"):
        _reader().feed(start)


@pytest.mark.parametrize("length", [0, 3, 8, 20])
def test_a_file_that_ends_in_its_header_is_truncated(length: int) -> None:
    reader = _reader()
    reader.feed(save({"a": torch.zeros(4)})[:length])
    with pytest.raises(NotSafetensors, match="truncated"):
        reader.finish()


@given(st.binary(max_size=200))
def test_any_bytes_give_a_header_or_a_documented_error(data: bytes) -> None:
    with suppress(NotSafetensors, TooLarge):
        assert parse_header(data, 10).tensors


def _header(tensors: dict[str, torch.Tensor]) -> Any:
    return _reader().feed(save(tensors))


_BASE = {"visual.a": torch.zeros(2, 2), "visual.n": torch.zeros(1, dtype=torch.int64), "text.b": torch.zeros(3)}


@pytest.mark.parametrize(
    "change",
    [
        lambda: dict(_BASE),
        lambda: {name: tensor for name, tensor in _BASE.items() if name.startswith("visual.")},
        lambda: _BASE | {"visual.a": torch.zeros(2, 2, dtype=torch.bfloat16)},
        lambda: _BASE | {"visual.a": torch.zeros(2, 2, dtype=torch.float16)},
    ],
    ids=["full", "visual part", "bfloat16", "float16"],
)
def test_checkpoints_of_the_base_are_accepted(change: Callable[[], dict[str, torch.Tensor]]) -> None:
    check_checkpoint(_header(change()), _header(_BASE))


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (_BASE | {"visual.a": torch.zeros(2, 3)}, r"visual.a has shape \[2, 3\], expected \[2, 2\]"),
        ({"visual.a": torch.zeros(2, 2)}, r"visual.n is missing \(expected I64 \[1\]\)"),
        (_BASE | {"visual.more": torch.zeros(1)}, "visual.more is not in the base"),
        (_BASE | {"visual.n": torch.zeros(1)}, "visual.n has dtype F32, expected I64"),
        (_BASE | {"visual.a": torch.zeros(2, 2, dtype=torch.float64)}, "visual.a has dtype F64, expected F32"),
        ({"a": torch.zeros(1)}, "is missing"),
    ],
)
def test_differing_checkpoints_are_refused_by_tensor_name(tensors: dict[str, torch.Tensor], words: str) -> None:
    with pytest.raises(TensorMismatch, match=words):
        check_checkpoint(_header(tensors), _header(_BASE))


def test_all_differences_are_kept_and_five_are_listed() -> None:
    base = {f"visual.{i}": torch.zeros(1) for i in range(9)}
    with pytest.raises(TensorMismatch, match="and 4 more") as caught:
        check_checkpoint(_header({name: torch.zeros(2) for name in base}), _header(base))
    assert len(caught.value.differences) == 9
