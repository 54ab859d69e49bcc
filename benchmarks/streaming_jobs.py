"""What `streaming_runs` starts: `python -m benchmarks.streaming_jobs WHO METHOD OUTPUT BASE MODEL...`.

The last line of standard output has the seconds inside: without the interpreter's start and the imports.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def timed() -> Iterator[None]:
    """Print the time that the block took, of the clock and of the processor."""
    started, cpu = time.perf_counter(), time.process_time()
    yield
    print(json.dumps({"inside_wall": time.perf_counter() - started, "inside_cpu": time.process_time() - cpu}))


def merge(method: str, output: Path, base: Path, models: list[Path]) -> None:
    """The engine, from files into a blob store: hashed, synced."""
    from benchmarks.streaming_runs import DENSITY, SCALING  # noqa: PLC0415  imports count as the job's own time
    from merging.average import Average  # noqa: PLC0415
    from merging.streaming import Inputs, Method, merge  # noqa: PLC0415
    from merging.task_arithmetic import TaskArithmetic  # noqa: PLC0415
    from merging.ties import Ties  # noqa: PLC0415
    from registry.blobs.files import FileBlobStore  # noqa: PLC0415
    from worker.safetensors_reader import MappedFile  # noqa: PLC0415
    from worker.safetensors_writer import Entry, SafetensorsWriter, abort_on_error  # noqa: PLC0415

    methods: dict[str, Callable[[], Method]] = {
        "linear": lambda: Average(0.0, (1.0,) * len(models)),
        "task_arithmetic": lambda: TaskArithmetic(SCALING),
        "ties": lambda: Ties(DENSITY, stateful=False),
    }
    with timed():
        start = MappedFile(base)
        inputs = Inputs(start, start, tuple(map(MappedFile, models)), {}, lambda _: True)
        entries = [Entry(name, raw.dtype, raw.shape) for name in start.names for raw in (start.tensor(name),)]
        with (
            abort_on_error(FileBlobStore(output).create()) as writer,
            SafetensorsWriter(writer, entries, start.metadata) as file,
        ):
            merge(inputs, methods[method](), lambda _, chunk: file.append(chunk))
            file.commit()


def read_and_write(output: Path, read: list[Path], written: int, *, stored: bool) -> None:
    """The floor: read all inputs, write as many bytes as a merge does; stored: hashed, as the blob store does."""
    if stored:
        from registry.blobs.files import FileBlobStore  # noqa: PLC0415
    with timed():
        buffer = bytearray(1 << 20)
        for path in read:
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass
        pieces = (memoryview(buffer)[: written - start] for start in range(0, written, len(buffer)))
        if stored:
            writer = FileBlobStore(output).create()
            writer.reserve(written)
            for piece in pieces:
                writer.write(piece)
            writer.commit()
            return
        with (output / "out").open("wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
            os.fsync(file.fileno())


def main() -> None:
    """Run one job."""
    who, method, output, *rest = sys.argv[1:]
    base, *models = map(Path, rest)
    if who == "ours":
        merge(method, Path(output), base, models)
    else:
        read = models if method == "linear" else [base, *models]
        read_and_write(Path(output), read, base.stat().st_size, stored=who == "stored floor")


if __name__ == "__main__":
    main()
