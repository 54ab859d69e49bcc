"""Safetensors headers: an incremental parser, validation, and the comparison of two headers.

    [8 bytes: header length N, little endian][N bytes: JSON][data, without holes, in the order of the offsets]

Stricter than the format's own parser where a server must be: duplicate keys, names that look like paths and absurd
numbers of tensors are refused. Source: the safetensors format, https://github.com/huggingface/safetensors#format
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from registry.base_record import Record
from registry.errors import NotSafetensors, PickleRefused, TensorMismatch, TooLarge

DTYPE_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E5M2": 1,
    "F8_E4M3": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
}
DTYPE_BYTES |= {"U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8}
FLOATS = frozenset({"F16", "BF16", "F32"})
"""Dtypes that a checkpoint's floating-point tensors may have."""

_FORMAT_LIMIT = 100_000_000
"""The longest header that the format allows, in bytes."""

_SPARE_MARKS = 100_000
"""Colons and commas that metadata may add to those of the tensors."""

_SURROGATE = re.compile("[\ud800-\udfff]")
"""A surrogate that json.loads left alone; it joins those that are pairs."""

_MAGICS = (
    (b"PK\x03\x04", "a zip archive, as torch.save writes it", True),
    (b"\x80\x02", "a Python pickle", True),
    (b"\x80\x03", "a Python pickle", True),
    (b"\x80\x04", "a Python pickle", True),
    (b"\x80\x05", "a Python pickle", True),
    (b"\x1f\x8b", "a gzip file", False),
    (b"\x89HDF", "an HDF5 file", False),
    (b"GGUF", "a GGUF file", False),
    (b"\x93NUMPY", "a NumPy file", False),
    (b"\x89PNG", "a PNG image", False),
    (b"\xff\xd8\xff", "a JPEG image", False),
)


class Tensor(Record):
    """One entry: dtype (the format's names), shape, and the offsets of its bytes within the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Header(Record):
    """A checked header. `data_offset` is where the data begins in the file, `size` the whole file's bytes."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    data_offset: int
    size: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Tensor name to shape."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}


class HeaderReader:
    """Incremental parser: takes a file's first bytes in pieces of any size and fails as early as possible.

    `feed` returns None until the header is complete, then the Header. Raises PickleRefused, NotSafetensors, TooLarge.
    """

    def __init__(self, max_header_bytes: int, max_tensors: int) -> None:
        self._max_header_bytes = max_header_bytes
        self._max_tensors = max_tensors
        self._bytes = bytearray()
        self._length = 0
        self.header: Header | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> Header | None:
        """Parse the next bytes; ignores those after the header."""
        if self.header is not None:
            return self.header
        if len(self._bytes) < 8:
            taken = 8 - len(self._bytes)
            self._bytes += data[:taken]
            if len(self._bytes) < 8:
                return None
            self._length = self._read_length()
            data = data[taken:]
        self._bytes += data[: 8 + self._length - len(self._bytes)]
        if len(self._bytes) == 8 + self._length:
            self.header = parse_header(bytes(self._bytes[8:]), self._max_tensors)
            self._bytes.clear()
        return self.header

    def finish(self) -> Header:
        """Return the header after the last bytes. Raises NotSafetensors when the file ends within the header."""
        if self.header is None:
            refuse_foreign(bytes(self._bytes))
            raise NotSafetensors(
                "The file ends before its safetensors header is complete: it is truncated or not a safetensors file."
            )
        return self.header

    def _read_length(self) -> int:
        refuse_foreign(bytes(self._bytes))
        length = int.from_bytes(self._bytes, "little")
        if not 2 <= length <= _FORMAT_LIMIT:
            raise NotSafetensors(
                f"The first eight bytes announce a header of {length} bytes: this is not a safetensors file. "
                "Write it with safetensors.torch.save_file."
            )
        if length > self._max_header_bytes:
            raise TooLarge(
                f"The first eight bytes announce a header of {length} bytes; at most {self._max_header_bytes} are "
                "allowed (ODEM_MAX_HEADER_BYTES)."
            )
        return length


def refuse_foreign(start: bytes) -> None:
    """Recognize other file types by their first bytes. Raises PickleRefused or NotSafetensors."""
    for magic, kind, is_pickle in _MAGICS:
        if not start.startswith(magic):
            continue
        if is_pickle:
            raise PickleRefused(
                f"This is {kind}. Pickles can execute code when they are loaded and are never accepted: load it with "
                "torch.load(path, weights_only=True) and write it with safetensors.torch.save_file."
            )
        raise NotSafetensors(f"This is {kind}, not a safetensors file. Write it with safetensors.torch.save_file.")


def parse_header(text: bytes, max_tensors: int) -> Header:
    """Parse and validate a header's JSON. Raises NotSafetensors, TooLarge."""
    _limit_members(text, max_tensors)
    try:
        # As text: of bytes, json.loads would guess the encoding, and the format allows UTF-8 alone.
        document = json.loads(text.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise NotSafetensors(f"The safetensors header is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise NotSafetensors("The safetensors header is not a JSON object.")
    metadata = _metadata(document.pop("__metadata__", {}))
    if len(document) > max_tensors:
        raise TooLarge(f"The file has {len(document)} tensors; at most {max_tensors} are allowed (ODEM_MAX_TENSORS).")
    if not document:
        raise NotSafetensors("The file has no tensors.")
    tensors = {name: _tensor(name, entry) for name, entry in document.items()}
    end = _check_layout(tensors)
    return Header(tensors=tensors, metadata=metadata, data_offset=8 + len(text), size=8 + len(text) + end)


def _limit_members(text: bytes, max_tensors: int) -> None:
    """Refuse a header with far more members than its tensors need, since parsing it would block the process.

    A tensor has four colons, and at most twenty commas: 17 between sizes, and three others. Raises TooLarge.
    """
    for mark, each in ((b":", 5), (b",", 20)):
        if text.count(mark) > each * max_tensors + _SPARE_MARKS:
            raise TooLarge(
                f"The header has far more members than the {max_tensors} tensors that are allowed (ODEM_MAX_TENSORS) "
                "need."
            )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotSafetensors(f"The safetensors header has the key {twice[:100]!r} twice.")
    return result


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise NotSafetensors("The safetensors __metadata__ must be an object of strings.")
    if any(_SURROGATE.search(text) for pair in value.items() for text in pair):
        # JSON can escape half of a surrogate pair, which UTF-8 cannot hold; the format's own parser refuses it too.
        raise NotSafetensors("The safetensors __metadata__ has text that is not valid Unicode: a lone surrogate.")
    return value


def _tensor(name: str, entry: object) -> Tensor:
    label = f"The tensor {name[:100]!r}"
    if (
        not name
        or len(name) > 512
        or not name.isprintable()
        or name.startswith(("/", "\\"))
        or ".." in re.split(r"[/\\]", name)
    ):
        raise NotSafetensors(f"{label} has a name that is not allowed: printable, at most 512 characters, no path.")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise NotSafetensors(f"{label} must have exactly dtype, shape and data_offsets.")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise NotSafetensors(f"{label} has the unknown dtype {str(dtype)[:20]!r}.")
    if not _are_sizes(shape) or len(shape) > 16 or not _are_sizes(offsets) or len(offsets) != 2:
        raise NotSafetensors(f"{label} has a shape or data_offsets that are not lists of non-negative integers.")
    start, end = offsets
    expected = math.prod(shape) * DTYPE_BYTES[dtype]
    if end - start != expected:
        raise NotSafetensors(f"{label} has {end - start} bytes, but dtype {dtype} and shape {shape} need {expected}.")
    return Tensor(dtype=dtype, shape=tuple(shape), start=start, end=end)


def _are_sizes(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**60 for item in value)


def _check_layout(tensors: Mapping[str, Tensor]) -> int:
    position = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != position:
            what = "overlaps the one before it" if tensor.start < position else "leaves a hole before it"
            raise NotSafetensors(f"The tensor {name[:100]!r} {what} in the file.")
        position = tensor.end
    return position


def check_checkpoint(header: Header, base: Header) -> None:
    """Check that a checkpoint can be merged into a lineage of this base, from the two headers alone.

    The checkpoint has either every tensor of the base or exactly those under `visual.`; shapes are the base's, and
    floating-point tensors are float16, bfloat16 or float32. Raises TensorMismatch, which lists what differs.
    """
    only_visual = all(name.startswith("visual.") for name in header.tensors)
    wanted = {name: item for name, item in base.tensors.items() if name.startswith("visual.") or not only_visual}
    both = [(name, header.tensors[name], item) for name, item in wanted.items() if name in header.tensors]
    differences = [
        f"{name} has shape {list(actual.shape)}, expected {list(expected.shape)}"
        for name, actual, expected in both
        if actual.shape != expected.shape
    ]
    differences += [
        f"{name} has dtype {actual.dtype}, expected {expected.dtype}"
        for name, actual, expected in both
        if not _compatible(actual.dtype, expected.dtype)
    ]
    unknown = [f"{name} is not in the base" for name in header.tensors if name not in wanted]
    missing = [
        f"{name} is missing (expected {_describe(item)})" for name, item in wanted.items() if name not in header.tensors
    ]
    # Alternate the two lists: a reader recognizes a prefix or a rename only when both sides are visible.
    differences += [text for pair in zip_longest(unknown, missing) for text in pair if text]
    raise_differences(differences, "The checkpoint does not match the lineage's base")


def raise_differences(differences: Iterable[str], summary: str) -> None:
    """Raise TensorMismatch with the first five differences in its message, unless there are none."""
    everything = tuple(differences)
    if not everything:
        return
    listed = "; ".join(everything[:5])
    more = f"; and {len(everything) - 5} more" if len(everything) > 5 else ""
    raise TensorMismatch(
        f"{summary}: {listed}{more}. Names and shapes must be those of the base, or of its visual. part.",
        everything,
    )


def _compatible(actual: str, expected: str) -> bool:
    return actual == expected or (actual in FLOATS and expected in FLOATS)


def _describe(tensor: Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}"
