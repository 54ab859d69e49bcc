"""Malformed and hostile files, and the problem type that each gets."""

import gzip
import io
import json
import pickle
import struct
import zipfile
from typing import Any

BAD = "not-safetensors"
PICKLE = "pickle-refused"
LARGE = "too-large"


def framed(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def entry(start: Any = 0, end: Any = 4, dtype: Any = "F32", shape: Any = (1,), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]} | more


def one(name: str = "a", size: int = 4, **fields: Any) -> bytes:
    """A file of one tensor."""
    return framed(json.dumps({name: entry(**fields)}).encode(), bytes(size))


def _zipped() -> bytes:
    """A thousand times smaller than what is in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10 << 20))
    return buffer.getvalue()


_GOOD = one()
_RAW = b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
_DEEP = b'{"a":' * 50_000

FILES: dict[str, tuple[bytes, str]] = {
    # Truncated or too long
    "an empty file": (b"", BAD),
    "seven bytes": (b"\x10\0\0\0\0\0\0", BAD),
    "a truncated header": (_GOOD[:30], BAD),
    "truncated data": (_GOOD[:-1], BAD),
    "missing data": (_GOOD[:-4], BAD),
    "one byte too many": (_GOOD + b"\0", BAD),
    "one megabyte too many": (_GOOD + bytes(1 << 20), BAD),
    # Lengths of the header
    "a header of no bytes": (struct.pack("<Q", 0) + b"{}", BAD),
    "a header of one byte": (struct.pack("<Q", 1) + b"{}", BAD),
    "a header of all bytes": (b"\xff" * 64, BAD),
    "a header beyond the format": (struct.pack("<Q", 100_000_001) + b"{}", BAD),
    "a header beyond the limit": (struct.pack("<Q", (16 << 20) + 1) + b"{}", LARGE),
    "a header of blanks": (framed(b" " * (4 << 20)), BAD),
    # JSON
    "invalid JSON": (framed(b"{a: 1}"), BAD),
    "a list": (framed(b"[]"), BAD),
    "a number": (framed(b"12"), BAD),
    "a string": (framed(b'"ab"'), BAD),
    "data after the JSON document": (framed(b'{"a":%s} {}' % _RAW, bytes(4)), BAD),
    "unterminated JSON": (framed(_DEEP), BAD),
    "deeply nested lists": (framed(b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), BAD),
    "not-a-number": (framed(b'{"a":NaN}'), BAD),
    "a number of 5,000 digits": (framed(b'{"a":' + b"9" * 5000 + b"}"), BAD),
    "a byte order mark": (framed(b"\xef\xbb\xbf" + b'{"a":%s}' % _RAW, bytes(4)), BAD),
    "UTF-16": (framed(json.dumps({"a": entry()}).encode("utf-16"), bytes(4)), BAD),
    "invalid UTF-8": (framed(b'{"\xff":%s}' % _RAW, bytes(4)), BAD),
    "raw control characters": (framed(b'{"a\x01":%s}' % _RAW, bytes(4)), BAD),
    # Keys
    "a tensor twice": (framed(b'{"a":%s,"a":%s}' % (_RAW, _RAW), bytes(4)), BAD),
    "a field twice": (framed(b'{"a":{"dtype":"F32","dtype":"U8","shape":[1],"data_offsets":[0,4]}}', bytes(4)), BAD),
    "a key twice, once escaped": (framed(b'{"a":%s,"\\u0061":%s}' % (_RAW, _RAW), bytes(4)), BAD),
    "metadata twice": (framed(b'{"__metadata__":{},"__metadata__":{},"a":%s}' % _RAW, bytes(4)), BAD),
    "metadata that is a list": (framed(b'{"__metadata__":[],"a":%s}' % _RAW, bytes(4)), BAD),
    "metadata of numbers": (framed(b'{"__metadata__":{"x":1},"a":%s}' % _RAW, bytes(4)), BAD),
    "only metadata": (framed(b'{"__metadata__":{"format":"pt"}}'), BAD),
    "no tensor": (framed(b"{}"), BAD),
    "200,000 tensors": (framed(json.dumps({f"t{i}": entry(0, 0, shape=[0]) for i in range(200_000)}).encode()), LARGE),
    # Names
    "a parent path": (one("../../etc/passwd"), BAD),
    "a parent path inside a name": (one("a/../../b"), BAD),
    "an absolute path": (one("/etc/passwd"), BAD),
    "a Windows path": (one("..\\..\\windows"), BAD),
    "a name with NUL": (one("a\0b"), BAD),
    "a name with a line break": (one("a\r\nSet-Cookie: b"), BAD),
    "a name with a right-to-left override": (one("\u202egpj.exe"), BAD),
    "half a surrogate pair": (framed(b'{"\\ud800":%s}' % _RAW, bytes(4)), BAD),
    "an empty name": (one(""), BAD),
    "a name of 100,000 characters": (one("n" * 100_000), BAD),
    # Fields
    "a field missing": (framed(b'{"a":{"dtype":"F32","shape":[1]}}', bytes(4)), BAD),
    "a field too many": (one(pickle="cos\\nsystem"), BAD),
    "a tensor that is a list": (framed(b'{"a":["F32",[1],[0,4]]}', bytes(4)), BAD),
    "an unknown dtype": (one(dtype="F31"), BAD),
    "a lower-case dtype": (one(dtype="f32"), BAD),
    "a dtype that is a number": (one(dtype=32), BAD),
    "a dtype that is a list": (one(dtype=["F32"]), BAD),
    "a negative size": (one(shape=[-1]), BAD),
    "two negative sizes": (one(shape=[-1, -1]), BAD),
    "a size of 2^62": (one(shape=[1 << 62]), BAD),
    "sizes that overflow to the right product": (one(shape=[1 << 33, 1 << 33, 1]), BAD),
    "a size that is true": (one(shape=[True]), BAD),
    "a size that is a fraction": (one(shape=[1.0]), BAD),
    "a shape that is text": (one(shape="1"), BAD),
    "seventeen dimensions": (one(shape=[1] * 17), BAD),
    "a shape that is too small": (one(shape=[0]), BAD),
    # Data offsets
    "an overlap": (framed(json.dumps({"a": entry(0, 8, shape=[2]), "b": entry(4, 8)}).encode(), bytes(8)), BAD),
    "two tensors at the same offsets": (framed(json.dumps({"a": entry(), "b": entry()}).encode(), bytes(4)), BAD),
    "a gap": (framed(json.dumps({"a": entry(), "b": entry(8, 12)}).encode(), bytes(12)), BAD),
    "a gap at the start": (one(start=4, end=8, size=8), BAD),
    "an end before its start": (one(start=4, end=0), BAD),
    "a negative offset": (one(start=-4, end=0), BAD),
    "an offset of 2^63": (one(start=1 << 63, end=(1 << 63) + 4), BAD),
    "a single offset": (framed(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', bytes(4)), BAD),
    "a file of 2^59 bytes": (one(end=1 << 59, shape=[1 << 57]), LARGE),
    # Other kinds of file
    "a pickle": (pickle.dumps({"a": 1}, 2) + bytes(64), PICKLE),
    "a pickle of protocol 5": (pickle.dumps({"a": list(range(99))}, 5), PICKLE),
    "a zip bomb": (_zipped(), PICKLE),
    "a gzip bomb": (gzip.compress(bytes(10 << 20)), BAD),
    "a GGUF file": (b"GGUF" + bytes(64), BAD),
    "an HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(64), BAD),
    "a NumPy file": (b"\x93NUMPY" + bytes(64), BAD),
    "a PNG image": (b"\x89PNG\r\n\x1a\n" + bytes(64), BAD),
    "an ELF program": (b"\x7fELF" + bytes(64), BAD),
    "a script": (b"#!/bin/sh\nrm -rf /\n", BAD),
    "a web page": (b"<!DOCTYPE html><script>alert(1)</script>", BAD),
}
