"""A fuzzer of the header parser: `python -m tests.unit.registry.header_fuzz [--seconds 600] [--seed N]`.

It mutates the headers of a corpus, as bytes and as JSON, feeds them in random pieces, and reports any exception
that is not the core's own, a header that contradicts itself or its bytes, a file that the safetensors package parses
differently, a verdict that depends on how the bytes were split, and a slow verdict. A file with a message that is new
joins the corpus of the run, and with --keep `header_corpus.json` too. Failing files are printed: add them to
`header_corpus.json` with the fix.
"""

import argparse
import json
import random
import re
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, deserialize

from registry.errors import NotSafetensors, TooLarge
from registry.safetensors_header import DTYPE_BYTES, Header, HeaderReader

CORPUS = Path(__file__).with_name("header_corpus.json")
_MAX_HEADER, _MAX_TENSORS = 1 << 16, 40
_SLOW_SECONDS = 2.0
_TOKENS = [
    *(f'"{name}"'.encode() for name in ("a", "b", "dtype", "shape", "data_offsets", "__metadata__", "../x", "\\u0000")),
    *(f'"{name}"'.encode() for name in (*DTYPE_BYTES, "F4", "f32")),
    *(b"{", b"}", b"[", b"]", b",", b":", b"0", b"-1", b"1e3", b"4.0", b"true", b"null", b"NaN", b"Infinity"),
    *(
        b"\xff",
        b"\xef\xbb\xbf",
        b"\0",
        b"\\ud800",
        b"9223372036854775808",
        b"18446744073709551616",
        b"99999999999999999",
    ),
]
_VALUES: list[Any] = [
    0,
    1,
    -1,
    4,
    8,
    2**31,
    2**60,
    2**64,
    1.0,
    True,
    None,
    "",
    "F32",
    "U8",
    [],
    [0],
    [1],
    [2, 2],
    {},
    "a/../b",
]


def read_corpus() -> list[bytes]:
    """The files of the corpus, which stores each as Latin-1 text, in which every byte is a character."""
    return [text.encode("latin-1") for text in json.loads(CORPUS.read_text("utf-8"))]


def framed(text: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text + data


def verdict(file: bytes, cut: Callable[[int], int]) -> Header | str:
    """The header, or the message of the refusal. Any other exception is a finding."""
    reader, position = HeaderReader(_MAX_HEADER, _MAX_TENSORS), 0
    try:
        while position < len(file) and reader.header is None:
            size = max(1, cut(len(file) - position))
            reader.feed(file[position : position + size])
            position += size
        return reader.finish()
    except (NotSafetensors, TooLarge) as error:
        return str(error)


def check(file: bytes, rng: random.Random) -> str:
    """Check every property of one file; returns the message of its refusal, or "accepted". Raises AssertionError."""
    start = time.process_time()
    header = verdict(file, lambda left: left)
    assert time.process_time() - start < _SLOW_SECONDS, "slow verdict"
    again = verdict(file, lambda left: rng.randint(1, min(left, 40)))
    assert header == again, f"the verdict depends on the pieces: {header!r}, {again!r}"
    if isinstance(header, str):
        header.encode()  # a response needs a message that UTF-8 can hold
        return header
    sizes = [tensor.end - tensor.start for tensor in header.tensors.values()]
    assert header.size == header.data_offset + sum(sizes)
    assert header.data_offset == 8 + int.from_bytes(file[:8], "little")
    assert 0 < len(header.tensors) <= _MAX_TENSORS
    if header.size < 1 << 20:
        _compare(file[: header.data_offset] + bytes(header.size - header.data_offset), header)
    return "accepted"


def _compare(whole: bytes, header: Header) -> None:
    """The safetensors package accepts what is accepted here, and finds the same tensors."""
    try:
        theirs = dict(deserialize(whole))
    except SafetensorError as error:
        raise AssertionError(f"safetensors refuses it: {error}") from error
    assert {name: tuple(item["shape"]) for name, item in theirs.items()} == header.shapes
    assert {name: item["dtype"] for name, item in theirs.items()} == {k: v.dtype for k, v in header.tensors.items()}


def mutate(file: bytes, rng: random.Random, corpus: list[bytes]) -> bytes:
    """Change a file in one to four places."""
    for _ in range(rng.randint(1, 4)):
        file = rng.choice([_flip, _token, _cut, _splice, _as_json, _as_json, _reframe])(file, rng, corpus)[: 1 << 17]
    return file if rng.random() < 0.3 else _reframe(file, rng, corpus)


def _flip(file: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    if not file:
        return bytes([rng.randrange(256)])
    changed = bytearray(file)
    changed[rng.randrange(len(file))] = rng.randrange(256)
    return bytes(changed)


def _token(file: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    at, gone = rng.randint(0, len(file)), rng.choice([0, 0, 1, 4])
    return file[:at] + rng.choice(_TOKENS) * rng.choice([1, 1, 1, 2, 50]) + file[at + gone :]


def _cut(file: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    first, last = sorted((rng.randint(0, len(file)), rng.randint(0, len(file))))
    return file[:first] + file[last:] if rng.random() < 0.8 else file[:last]


def _splice(file: bytes, rng: random.Random, corpus: list[bytes]) -> bytes:
    other = rng.choice(corpus)
    return file[: rng.randint(0, len(file))] + other[rng.randint(0, len(other)) :]


def _reframe(file: bytes, _: random.Random, __: list[bytes]) -> bytes:
    """Correct the header length, so that the parser reaches the JSON."""
    text = file[8 : max(file.rfind(b"}") + 1, 8)]
    return framed(text, b"")


def _as_json(file: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Change a value somewhere in the document."""
    try:
        document = json.loads(file[8:].decode())
    except (ValueError, RecursionError):
        return file
    if not isinstance(document, dict) or not document:
        return file
    name = rng.choice(list(document))
    entry = document[name]
    action = rng.randrange(4)
    if action == 0 and isinstance(entry, dict) and entry:
        entry[rng.choice(list(entry))] = rng.choice(_VALUES)
    elif action == 1:
        document[rng.choice(["a", "b", "c", "__metadata__", "é", "x" * 600])] = rng.choice([entry, *_VALUES])
    elif action == 2:
        del document[name]
    else:
        document = dict(rng.sample(sorted(document.items()), len(document)))
    return framed(json.dumps(document, ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass"), b"")


@dataclass(frozen=True)
class Outcome:
    """Number of files, number of distinct verdicts, files with a new verdict, and failing files."""

    count: int
    kinds: int
    fresh: list[bytes]
    wrong: list[bytes]


def run(seconds: float, seed: int, report: Callable[[str], object]) -> "Outcome":
    """Fuzz for this long."""
    rng, corpus = random.Random(seed), read_corpus()
    fresh: list[bytes] = []
    wrong: list[bytes] = []
    met = {_kind(check(file, rng)) for file in corpus}
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        file = mutate(rng.choice(corpus), rng, corpus)
        count += 1
        try:
            kind = _kind(check(file, rng))
        except Exception as error:  # any exception is a finding
            report(f"WRONG {type(error).__name__}: {error}: {file[:300]!r}")
            wrong.append(file)
            continue
        if kind not in met and len(file) < 2000:
            met.add(kind)
            corpus.append(file)
            fresh.append(file)
            report(f"new: {kind}")
    return Outcome(count, len(met), fresh, wrong)


def _kind(message: str) -> str:
    """A verdict without names, numbers and the messages of Python's json, which differ from file to file."""
    rest = re.split(r"['\"]", message.partition("JSON: ")[0])
    return re.sub(r"\[.*\]|[A-Z]*\d+\w*|BOOL", "?", message[:12] + rest[-1])[:120]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="add files with a new verdict to header_corpus.json")
    arguments = parser.parse_args()
    outcome = run(arguments.seconds, arguments.seed, lambda line: sys.stderr.write(f"{line}\n"))
    print(
        f"seed {arguments.seed}: {outcome.count} files, {outcome.kinds} distinct verdicts, {len(outcome.wrong)} wrong"
    )
    if arguments.keep:
        kept = [file.decode("latin-1") for file in read_corpus() + outcome.fresh]
        CORPUS.write_text(json.dumps(kept, indent=0) + "\n", "utf-8")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
