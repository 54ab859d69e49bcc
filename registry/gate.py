"""Quality gates: how much a merge may degrade earlier tasks."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from registry.base_record import Record

_ROUNDING = 1e-9
"""Tolerance of float arithmetic: a drop from 0.80 to 0.77 is 0.03."""


class Gate(Record):
    """Limits that a merge must meet on the calibration samples of every earlier task, or it is rejected.

    The incoming task is not judged, because it has no earlier value.
    """

    max_drop: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Largest drop of a task's accuracy, as a share (0.03: three points)."
    )
    max_loss_rise: Annotated[float, Field(ge=0, le=1e6)] | None = Field(
        None, description="Largest rise of a task's loss."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "Gate":
        if self.max_drop is None and self.max_loss_rise is None:
            message = "a gate needs max_drop or max_loss_rise"
            raise ValueError(message)
        return self

    def judge(self, tasks: Mapping[str, Any], earlier: frozenset[str]) -> dict[str, Any]:
        """The verdict on a report's `tasks`, for the report.

        `passed`; `violations`, one for each limit that a task misses; `unjudged`, earlier tasks without samples.
        A value that is not a number after the merge misses every limit.
        """
        judged = sorted(name for name in earlier if name in tasks)
        limits = (("accuracy", -1.0, self.max_drop), ("loss", 1.0, self.max_loss_rise))
        violations = []
        for name in judged:
            before, after = tasks[name]["before"], tasks[name]["after"]
            for measure, direction, limit in limits:
                if limit is None or before[measure] is None:
                    continue
                worse = None if after[measure] is None else direction * (after[measure] - before[measure])
                if worse is None or worse > limit + _ROUNDING:
                    violations.append(
                        {
                            "task": name,
                            "measure": measure,
                            "before": before[measure],
                            "after": after[measure],
                            "limit": limit,
                        }
                    )
        return {
            "passed": not violations,
            "violations": violations,
            "unjudged": sorted(earlier - set(judged)),
        }
