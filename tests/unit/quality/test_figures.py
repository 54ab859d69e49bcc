"""The quality benchmark's figures and streams."""

from dataclasses import replace

import pytest

from benchmarks.quality import figures
from benchmarks.quality.protocol import Run
from benchmarks.quality.streams import LENGTHS, ORDERS, TASKS, VALIDATION_ORDER, drawn, heterogeneous

RUN = Run(
    tasks=("a", "b", "c"),
    utilities=(1.0, 4.0, 1.0),
    accuracies=[[0.9], [0.8, 0.7], [0.6, 0.9, 0.5]],
    alone=[1.0, 0.9, 0.5],
    evaluations=3.0,
    forward=4.0,
    seconds=1.0,
    peak_mb=1.0,
    blocked=0,
    times=[1.0, 0.5, 1 / 3],
    trace=[],
    sweep=[],
)


def test_the_figures_are_those_of_the_last_row_and_the_diagonal() -> None:
    assert figures.acc(RUN) == pytest.approx(2.0 / 3)
    assert figures.worst(RUN) == 0.5
    assert figures.bwt(RUN) == pytest.approx(((0.6 - 0.9) + (0.9 - 0.7)) / 2)
    assert figures.kept(RUN) == pytest.approx((0.6 + 1.0 + 1.0) / 3)
    assert figures.weighted(RUN) == pytest.approx((0.6 + 4 * 0.9 + 0.5) / 6)
    assert figures.path(RUN) == pytest.approx([0.9, 0.75, 2.0 / 3])


def test_a_spread_is_that_of_a_sample() -> None:
    assert figures.spread([1.0]) == 0.0
    assert figures.spread([1.0, 3.0]) == pytest.approx(2**0.5)


def test_orders_differ_and_none_that_is_tested_is_the_one_that_chooses() -> None:
    assert VALIDATION_ORDER not in ORDERS
    streams = [drawn(length, order).tasks for length in LENGTHS for order in (*ORDERS, VALIDATION_ORDER)]
    assert len(set(streams)) == len(streams)
    assert all(set(stream) <= set(TASKS) and len(set(stream)) == len(stream) for stream in streams)
    assert drawn(12, 1) == drawn(12, 1)


def test_a_heterogeneous_stream_has_the_same_tasks_some_of_them_more_important() -> None:
    plain, uneven = drawn(8, 1), heterogeneous(8, 1)
    assert uneven.tasks == plain.tasks
    assert [uneven.utility(task) for task in uneven.tasks] == [1, 4, 1, 1, 4, 1, 1, 4]
    assert replace(uneven, told=False).utilities == uneven.utilities
