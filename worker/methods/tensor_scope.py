"""Merge scope: which tensors of a job's files are merged, and the planner's request for a job."""

from worker.architectures.open_clip import VISUAL
from worker.merge_job import Job
from worker.methods.method_state import head_state
from worker.planning import PlanRequest


def plan_request(job: Job) -> PlanRequest:
    """The planner's request for a job. With an architecture its visual tower is merged, else every float tensor."""
    prefix = VISUAL if job.lineage.architecture is not None else ""
    return PlanRequest(
        recipe=job.merge.recipe.model_dump(),
        base=job.base,
        head=job.head,
        checkpoint=job.checkpoint,
        task=job.merge.task.name,
        utility=job.merge.task.utility,
        scratch=job.scratch,
        state=head_state(job.parent, job.blobs),
        earlier={task.name: task.utility for task in job.earlier_tasks},
        base_utility=job.lineage.base_utility,
        scope=lambda name: name.startswith(prefix),
        device=str(job.device),
        removed=tuple((checkpoint, part.utility) for checkpoint, part in job.removed),
        recompute=job.merge.recompute,
        joined=head_state(job.joined, job.blobs) if job.joined is not None else None,
    )
