"""Gates."""

from typing import Any

import pytest
from pydantic import ValidationError

from registry.gate import Gate


def _tasks(before: float, after: float | None) -> dict[str, Any]:
    return {"a": {"before": {"accuracy": before, "loss": 1.0}, "after": {"accuracy": after, "loss": after and 1.2}}}


@pytest.mark.parametrize(
    ("gate", "after", "passed"),
    [
        (Gate(max_drop=0.03), 0.77, True),
        (Gate(max_drop=0.03), 0.769, False),
        (Gate(max_drop=0.03), 0.9, True),
        (Gate(max_drop=0.03), None, False),
        (Gate(max_loss_rise=0.2), 0.1, True),
        (Gate(max_loss_rise=0.1), 0.8, False),
        (Gate(max_drop=0.0, max_loss_rise=0.2), 0.8, True),
    ],
)
def test_limits_are_met_or_missed(gate: Gate, after: float | None, passed: bool) -> None:
    assert gate.judge(_tasks(0.8, after), frozenset({"a"}))["passed"] is passed


def test_the_incoming_task_is_not_judged_and_tasks_without_samples_are_named() -> None:
    verdict = Gate(max_drop=0.0).judge(_tasks(0.8, 0.1), frozenset({"b"}))
    assert verdict == {"passed": True, "violations": [], "unjudged": ["b"]}


def test_a_gate_needs_a_condition() -> None:
    with pytest.raises(ValidationError, match="max_drop or max_loss_rise"):
        Gate()
