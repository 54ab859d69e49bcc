"""A client that sends every merge until it was acknowledged."""

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
    """What was acknowledged so far. The sending goes on in a thread of its own."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = defaultdict(list)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def add(self, lineage: str, merge_id: str) -> None:
        """Note an acknowledgement."""
        self._ids[lineage].append(merge_id)

    def ids(self, lineage: str) -> list[str]:
        """Ids of acknowledged merges."""
        return list(self._ids[lineage])

    @property
    def count(self) -> int:
        """Acknowledged merges in all."""
        return sum(map(len, list(self._ids.values())))

    @property
    def complete(self) -> bool:
        """Whether the sending has ended."""
        return self._thread is None or not self._thread.is_alive()

    def run(self, work: Callable[[], None]) -> None:
        """Start the sending."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._error = error
                raise

        self._thread = threading.Thread(target=guarded, name="client", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end; raises what ended it early."""
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error


class Client:
    """Sends bases, checkpoints and merges of the running average."""

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
        """A lineage of plain weights, all from the same base."""
        document = {"name": name, "base": self._send_file(self._files[0]), "recipe": {"method": "average"}}
        self._until(201, lambda: self._http.post("/lineages", json=document))

    def send(self, lineage: str, task: str, checkpoint: str) -> str:
        """A merge of a blob; returns its id."""
        document = {"lineage": lineage, "task": {"name": task}, "checkpoint": checkpoint}
        return str(self._until(202, lambda: self._http.post("/merge", json=document)).json()["id"])

    def send_all_in_background(self, lineages: Sequence[str], merges: int, pace: float) -> Sent:
        """`merges` merges in each lineage, by turns, spread over about `pace` seconds."""
        sent = Sent()

        def work() -> None:
            for turn in range(merges):
                for place, name in enumerate(lineages):
                    file = self._files[1 + (turn + place) % _CHECKPOINTS]
                    sent.add(name, self.send(name, f"task{turn}", self._send_file(file)))
                    time.sleep(pace / (merges * len(lineages)))

        sent.run(work)
        return sent

    def _send_file(self, path: Path) -> str:
        return str(self._until(201, lambda: self._http.post("/blobs", content=path.read_bytes())).json()["digest"])

    def _until(self, status: int, ask: Callable[[], httpx.Response], deadline: float = 300.0) -> httpx.Response:
        """Ask until the answer has this status. Only a service that is away or says 503 is asked again."""
        end = time.monotonic() + deadline
        while True:
            try:
                answer = ask()
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == status:
                return answer
            if answer is not None and answer.status_code != 503:
                raise RuntimeError(f"{answer.status_code} {answer.text}")
            if time.monotonic() > end:
                raise RuntimeError("the service did not come back")
            time.sleep(0.1)
