"""What of a job's files is merged."""

from worker.architectures.open_clip import VISUAL
from worker.job import Job
from worker.merging.streaming import Inputs
from worker.methods.carrying import Carried


def inputs_of(job: Job, carried: Carried | None = None) -> Inputs:
    """The job's files for the engine. Under an architecture the visual tower is merged, else every float."""
    prefix = VISUAL if job.lineage.architecture is not None else ""
    derived = (job.head,) if carried is not None and carried.derived else ()
    parts = carried.parts if carried is not None else {}
    return Inputs(job.base, job.head, (*derived, job.checkpoint), parts, scope=lambda name: name.startswith(prefix))
