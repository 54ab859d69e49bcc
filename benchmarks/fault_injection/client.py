"""A client that repeats every request until it is acknowledged."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import torch
from safetensors.torch import save_file

_SHAPES = {"layer.weight": (256, 512), "layer.bias": (512,), "head.weight": (128, 256)}
_CHECKPOINTS = 12


class Sent:
    """The acknowledged merges; a thread goes on sending."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def add(self, lineage: str, merge_id: str) -> None:
        """Record an acknowledged merge."""
        self._ids[lineage].append(merge_id)

    def ids(self, lineage: str) -> list[str]:
        """The ids of a lineage's acknowledged merges."""
        return list(self._ids[lineage])

    @property
    def count(self) -> int:
        """The number of acknowledged merges."""
        return sum(map(len, list(self._ids.values())))

    @property
    def complete(self) -> bool:
        """Whether the thread has finished."""
        return self._thread is None or not self._thread.is_alive()

    def run(self, work: Callable[[], None]) -> None:
        """Run `work` in the thread."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._error = error
                raise

        self._thread = threading.Thread(target=guarded, name="client", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread, and raise its error if it failed."""
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error


class Client:
    """Sends bases, checkpoints and merges with the method `average`."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self._http = httpx.Client(base_url=url, timeout=20.0, trust_env=False)
        folder.mkdir()
        generator = torch.Generator().manual_seed(seed)
        self._files = []
        for index in range(_CHECKPOINTS + 1):
            path = folder / f"{index}.safetensors"
            save_file({name: torch.randn(shape, generator=generator) for name, shape in _SHAPES.items()}, path)
            self._files.append(path)

    def create_lineage(self, name: str) -> None:
        """Create a lineage without an architecture; every lineage has the same base."""
        document = {"name": name, "base": self._send_file(self._files[0]), "recipe": {"method": "average"}}
        self._until(201, lambda: self._http.post("/lineages", json=document))

    def send(self, lineage: str, task: str, checkpoint: str) -> str:
        """Send a merge of a stored checkpoint; returns its id."""
        document = {"lineage": lineage, "task": {"name": task}, "checkpoint": checkpoint}
        return str(self._until(202, lambda: self._http.post("/merge", json=document)).json()["id"])

    def send_all_in_background(self, lineages: Sequence[str], merges: int, pace: float) -> Sent:
        """Send `merges` merges to each lineage in turn, over about `pace` seconds."""
        sent = Sent()

        def work() -> None:
            for turn in range(merges):
                for offset, name in enumerate(lineages):
                    file = self._files[1 + (turn + offset) % _CHECKPOINTS]
                    sent.add(name, self.send(name, f"task{turn}", self._send_file(file)))
                    time.sleep(pace / (merges * len(lineages)))

        sent.run(work)
        return sent

    def _send_file(self, path: Path) -> str:
        return str(self._until(201, lambda: self._http.post("/blobs", content=path.read_bytes())).json()["digest"])

    def _until(self, status: int, send: Callable[[], httpx.Response], deadline: float = 300.0) -> httpx.Response:
        """Send until the response has this status; retries only after a transport error or 503."""
        end = time.monotonic() + deadline
        while True:
            try:
                response = send()
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code == status:
                return response
            if response is not None and response.status_code != 503:
                raise RuntimeError(f"{response.status_code} {response.text}")
            if time.monotonic() > end:
                raise RuntimeError("the service did not recover")
            time.sleep(0.1)
