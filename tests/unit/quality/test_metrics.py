"""The quality benchmark's metrics and streams."""

from dataclasses import replace

import pytest

from benchmarks.quality import metrics
from benchmarks.quality.material import tasks_of
from benchmarks.quality.measurements import Scale
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import ORDERS, VALIDATION_ORDER, drawn, heterogeneous

TASKS = tasks_of("text")
RUN = Run(
    tasks=("a", "b", "c"),
    utilities=(1.0, 4.0, 1.0),
    final=(0.6, 0.9, 0.5),
    arrival=(0.9, 0.7, 0.5),
    base=(0.2, 0.3, 0.4),
    alone=(1.0, 0.9, 0.5),
    evaluations=3.0,
    forward=4.0,
    seconds=1.0,
    peak_mb=1.0,
    blocked=0,
)


def test_the_metrics_are_those_of_the_end_and_of_the_arrivals() -> None:
    assert metrics.acc(RUN) == pytest.approx(2.0 / 3)
    assert metrics.worst(RUN) == 0.5
    assert metrics.bwt(RUN) == pytest.approx(((0.6 - 0.9) + (0.9 - 0.7)) / 2)
    assert metrics.kept(RUN) == pytest.approx(2.0 / 2.4)
    assert metrics.weighted(RUN) == pytest.approx((0.6 + 4 * 0.9 + 0.5) / 6)


def test_a_spread_is_that_of_a_sample() -> None:
    assert metrics.spread([1.0]) == 0.0
    assert metrics.spread([1.0, 3.0]) == pytest.approx(2**0.5)


def test_orders_of_one_length_have_the_same_tasks_and_none_that_is_tested_chooses() -> None:
    assert VALIDATION_ORDER not in ORDERS
    streams = [drawn(TASKS, 8, order).tasks for order in (*ORDERS, VALIDATION_ORDER)]
    assert len(set(streams)) == len(streams)
    assert all(set(stream) == set(TASKS[:8]) for stream in streams)
    assert drawn(TASKS, 12, 1) == drawn(TASKS, 12, 1)


def test_a_heterogeneous_stream_has_the_same_tasks_some_of_them_more_important() -> None:
    plain, uneven = drawn(TASKS, 8, 1), heterogeneous(TASKS, 8, 1)
    assert uneven.tasks == plain.tasks
    assert [uneven.utility(task) for task in uneven.tasks] == [1, 4, 1, 1, 4, 1, 1, 4]
    assert replace(uneven, utilities_known=False).utilities == uneven.utilities


def test_a_scale_has_no_streams_longer_than_all_tasks() -> None:
    assert Scale(tuple("abcdefghij")).fitting().lengths == (4, 8, 10)
    assert Scale(tuple("abcd")).fitting().headline == 4
