"""Memory of the streaming engine does not depend on the size of a tensor."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

_ELEMENTS = 1 << 24
_SCRIPT = """
import sys, threading
from pathlib import Path
from merging.average import Average
from merging.streaming import Inputs, merge
from merging.ties import Ties
from worker.safetensors_reader import MappedFile

base, *models = (MappedFile(Path(path)) for path in sys.argv[2:])
method = {"average": lambda: Average(0.0, (1.0, 1.0)), "ties": lambda: Ties(0.2)}[sys.argv[1]]()

def memory():
    line = next(line for line in open("/proc/self/status") if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024

start, peak, done = memory(), 0, threading.Event()

def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, memory())

thread = threading.Thread(target=watch)
thread.start()
merge(Inputs(base, base, tuple(models), {}, lambda _: True), method, lambda sink, chunk: None)
done.set()
thread.join()
print(peak - start)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["average", "ties"])
def test_a_tensor_is_never_in_memory_as_a_whole(method: str, tmp_path: Path) -> None:
    paths = []
    for index in range(3):
        paths.append(str(tmp_path / f"{index}.safetensors"))
        generator = torch.Generator().manual_seed(index)
        save_file({"w": torch.randn(_ELEMENTS, generator=generator).bfloat16()}, paths[-1])
    command = [sys.executable, "-c", _SCRIPT, method, *paths]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 0 <= grown < _ELEMENTS * 4, "half of one float64 copy"
