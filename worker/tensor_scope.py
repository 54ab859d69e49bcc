"""What of a job's files is merged."""

from collections.abc import Mapping

from merging.streaming import Inputs
from worker.architectures.open_clip import VISUAL
from worker.merge_job import Job
from worker.safetensors_reader import MappedFile


def inputs_of(job: Job, parts: Mapping[str, MappedFile] | None = None, *, derived: bool = False) -> Inputs:
    """The job's files for the engine. Under an architecture the visual tower is merged, else every float.

    parts: the parent's state. derived: head stands for the one checkpoint it consists of, and is merged as that.
    """
    prefix = VISUAL if job.lineage.architecture is not None else ""
    incoming = (*((job.head,) if derived else ()), job.checkpoint)
    return Inputs(job.base, job.head, incoming, parts or {}, scope=lambda name: name.startswith(prefix))
