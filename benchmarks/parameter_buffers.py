"""Peak memory of one merge, in a process of its own: `python -m benchmarks.parameter_buffers RECTIFIER PRESET TASKS`.

Prints one JSON object: `peak`, the growth of the process's resident memory from before the tower is made to its
highest, in sizes of the merged parameters (so the tower and the incoming parameters count); `live`, the most buffers of
at least half that size that were alive at once, counted at every operation. The parameters are read from a mapping that
makes each tensor when it is asked for, as reading from a memory-mapped file does. Activations are kept small beside the
parameters: 16 layers, a micro-batch of 8.
"""

import json
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from merging.ode import OdeConfig, TaskData, merge

LAYERS, BUDGET = 16, 20


class Deep(nn.Module):
    """Sixteen square layers with residual connections, then normalised."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers, self.width = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(LAYERS)), width

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings [n, width]."""
        x = images.flatten(1).repeat(1, -(-self.width // images[0].numel()))[:, : self.width]
        for layer in self.layers:
            x = x + 0.1 * torch.tanh(layer(x))
        return x


class Made(Mapping[str, Tensor]):
    """Parameters that are made from a seed when they are asked for."""

    def __init__(self, tower: nn.Module, seed: int) -> None:
        self._shapes, self._seed = {name: value.shape for name, value in tower.named_parameters()}, seed

    def __getitem__(self, name: str) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed + list(self._shapes).index(name))
        drawn: Tensor = torch.randn(self._shapes[name], generator=generator) / self._shapes[name][0] ** 0.5
        return drawn

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


class Live(TorchDispatchMode):
    """Counts the storages of at least `size` bytes that operations made and that are still alive."""

    def __init__(self, size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._size, self._alive, self.maximum = size, set[int](), 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and look at what it returns."""
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.untyped_storage().nbytes() >= self._size:
            storage = result.untyped_storage()
            if storage.data_ptr() not in self._alive:
                self._alive.add(storage.data_ptr())
                weakref.finalize(storage, self._alive.discard, storage.data_ptr())
                self.maximum = max(self.maximum, len(self._alive))
        return result


class Subscription(threading.Thread):
    """Read the process's resident memory every two milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process, self.peak, self.on = psutil.Process(), 0, True

    def run(self) -> None:
        """Keep the highest reading."""
        while self.on:
            self.peak = max(self.peak, self._process.memory_info().rss)
            time.sleep(0.002)


def make_tasks(count: int, width: int) -> list[TaskData]:
    """Make random tasks with a budget of twenty samples together."""
    generator = torch.Generator().manual_seed(0)
    return [
        TaskData(
            f"task-{number}",
            torch.randn(BUDGET // count, 3, 8, 8, generator=generator),
            torch.randint(0, 4, (BUDGET // count,), generator=generator),
            nn.functional.normalize(torch.randn(4, width, generator=generator), dim=-1),
        )
        for number in range(count)
    ]


def peak(rectifier: str, preset: str, count: int, width: int) -> dict[str, float]:
    """Merge on a tower of this width and return the peaks."""
    steps = {"smallest_step": 0.5, "largest_step": 0.5}  # two or three steps show every buffer that there is
    after = {"coefficient_steps": 2, "refine_steps": 2}
    recipe = {"preset": preset, "rectifier": rectifier, "micro_batch": 8, "operating_time": 0.02, **steps, **after}
    config, tasks = OdeConfig.from_recipe(recipe), make_tasks(count, width)
    before = psutil.Process().memory_info().rss
    watch = Subscription()
    watch.start()
    tower = Deep(width).eval()
    size = 4 * sum(value.numel() for value in tower.parameters())
    theta_0, theta_1, origin = Made(tower, 0), Made(tower, 1000), Made(tower, 2000)
    with Live(size // 2) as live:
        merge(tower, theta_0, theta_1, tasks, logit_scale=5.0, normalisation=None, config=config, origin=origin)
    watch.on = False
    watch.join()
    return {"peak": (watch.peak - before) / size, "live": live.maximum}


def main(rectifier: str, preset: str, count: int) -> None:
    """Merge twice, the first time small, so that the libraries' own memory is there already; print the peaks."""
    torch.set_num_threads(1)
    peak(rectifier, preset, count, 64)
    print(json.dumps(peak(rectifier, preset, count, 1024)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
