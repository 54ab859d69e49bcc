"""The preset "released" computes what the published code computed."""

import pytest

from tests.unit.merging.golden import DEVICES, PATHS, largest_difference, load, run
from worker.merging.ode import Step

TOLERANCE = 1e-6


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", PATHS)
def test_paths_end_where_the_published_code_ended(name: str, device: str) -> None:
    golden = load(name)
    outcome = run(golden, device)
    assert largest_difference(outcome.parameters, golden.result) <= TOLERANCE
    assert len(outcome.report.steps) == golden.facts["n_steps"]
    for step, expected in zip(outcome.report.steps, golden.facts["steps"], strict=True):
        check_step(step, expected)


def check_step(step: Step, expected: dict[str, object]) -> None:
    """Compare every decision of a step with the published code's."""
    wanted = expected["constraint_tasks"]
    assert isinstance(wanted, list)
    if step.number > 1:  # at t = 0 all tasks are equally far below their ceilings: rounding picks among them
        assert list(step.multipliers) == wanted
    assert set(step.multipliers) == set(wanted)
    assert step.feasible == expected["best_feas"]
    assert step.scale == pytest.approx(expected["step_scale"], abs=1e-12)
    assert [step.t, step.t_next] == [expected["t"], expected["t_next"]]
    lam = dict(zip(wanted, expected["lam"], strict=True))  # type: ignore[call-overload]
    assert step.multipliers == pytest.approx(lam, rel=1e-3, abs=1e-5)
    assert step.bounds == pytest.approx(expected["b"], rel=1e-3, abs=1e-4)
    assert step.eta == pytest.approx(expected["eta"], rel=1e-4)
    if list(step.multipliers) == wanted:
        for row, known in zip(step.gram, expected["K"], strict=True):  # type: ignore[call-overload]
            assert row == pytest.approx(known, rel=1e-3, abs=1e-4)
