"""Splits a lock file for an image without CUDA: torch and torchvision by version alone, all other pins with hashes.

Usage: cpu_requirements.py LOCK OTHERS TORCH. What only CUDA needs (the nvidia packages, triton) is in neither.
"""

import re
import sys
from pathlib import Path

_TORCH = {"torch", "torchvision"}
_CUDA = re.compile(r"nvidia-|cuda-|triton$")


def split(lock: str) -> tuple[str, str]:
    """The texts of OTHERS and TORCH."""
    others, torch = [], []
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        name, _, rest = block.partition("==")
        if name in _TORCH:
            torch.append(f"{name}=={re.split(r'[ +;]', rest)[0]}")
        elif not _CUDA.match(name):
            others.append(block)
    return "\n".join(others) + "\n", "\n".join(torch) + "\n"


if __name__ == "__main__":
    lock, others, torch = (Path(argument) for argument in sys.argv[1:])
    for path, text in zip((others, torch), split(lock.read_text("utf-8")), strict=True):
        path.write_text(text, "utf-8")
