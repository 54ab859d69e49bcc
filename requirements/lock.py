"""Cuts the smaller lock files out of dev.txt, so that every environment has the same pins.

dev.txt says below each pin who needs it (``# via ...``). The lock of, say, gateway.in is what gateway.in
names and, again and again, what those packages need. ``make lock`` runs this after pip-compile.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
DERIVED = ("gateway", "worker", "standalone")


class Pin(NamedTuple):
    """One package of a lock file: its name, its lines (version and hashes), and who needs it."""

    name: str
    lines: tuple[str, ...]
    via: frozenset[str]


def read_pins(lock: str) -> Iterator[Pin]:
    """Read the pins of a lock file that pip-compile wrote."""
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        if not (found := re.match(r"([a-z0-9][a-z0-9._-]*)==", block)):
            continue
        lines = tuple(line for line in block.splitlines() if line and not line.lstrip().startswith("#"))
        comments = [line.strip(" #") for line in block.splitlines() if line.startswith("    #")]
        yield Pin(found[1], lines, frozenset(line.removeprefix("via ").strip() for line in comments))


def sources(name: str) -> Iterator[str]:
    """Yield what stands for `name`.in, and for the files that it includes, in dev.txt's comments."""
    yield f"-r requirements/{name}.in"
    for line in (FOLDER / f"{name}.in").read_text().splitlines():
        if line.startswith("-r "):
            yield from sources(line.removeprefix("-r ").strip().removesuffix(".in"))


def derive(name: str) -> str:
    """Return the text of `name`.txt: every pin that `name`.in needs, in dev.txt's order, with its hashes."""
    pins = list(read_pins((FOLDER / "dev.txt").read_text()))
    needed = set(sources(name))
    while more := {pin.name for pin in pins if pin.via & needed} - needed:
        needed |= more
    header = f"# Cut out of dev.txt for {name}.in by requirements/lock.py; `make lock` writes it anew.\n"
    return header + "".join("\n".join(pin.lines) + "\n" for pin in pins if pin.name in needed)


if __name__ == "__main__":
    for each in DERIVED:
        (FOLDER / f"{each}.txt").write_text(derive(each))
