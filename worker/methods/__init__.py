"""Merge methods by name: each runs a method of `merging` on the inputs of a job."""

from collections.abc import Callable, Mapping
from typing import Final

from worker.merge_job import Job, Result
from worker.methods.data_free import merge_by_streaming
from worker.methods.ode import merge_by_ode
from worker.planning import PLANNERS

METHODS: Final[Mapping[str, Callable[[Job], Result]]] = {
    "ode": merge_by_ode,
    **dict.fromkeys(PLANNERS, merge_by_streaming),
}
"""Method name of a recipe -> the function that runs it."""
