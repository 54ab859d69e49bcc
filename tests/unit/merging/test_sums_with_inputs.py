"""RegMean, Fisher and two-sided projection: definitions, and the same result in any order and grouping."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from scipy.linalg import solve_sylvester

from merging.dop import dop
from merging.fisher import Fisher
from merging.matrices import matrix_view
from merging.regmean import regmean
from merging.streaming import TensorMethod
from merging.sums import MomentsTooLarge
from tests.unit.merging.streams import Held, State, run
from tests.unit.merging.test_gram import Parts, distance, network, tuned

Make = Callable[[tuple[float, ...], Sequence[int]], TensorMethod]


def _moments(base: State, seed: int) -> State:
    """Input moments of every matrix but one, which no input reached."""
    generator = torch.Generator().manual_seed(500 + seed)
    result = {}
    for name, tensor in base.items():
        if (view := matrix_view(name, tuple(tensor.shape), "F64")) is not None and name != "wide.weight":
            inputs = torch.randn(40, view.columns, generator=generator, dtype=torch.float64)
            result[name] = inputs.T @ inputs / 40
    return result


def _information(base: State, seed: int) -> State:
    generator = torch.Generator().manual_seed(700 + seed)
    return {
        name: torch.rand(tensor.shape, generator=generator, dtype=torch.float64) ** 4
        for name, tensor in base.items()
        if name != "wide.weight"
    }


def _regmean(weights: tuple[float, ...], tasks: Sequence[int]) -> TensorMethod:
    return regmean(weights, [Held(_moments(network(0), task)) for task in tasks])


def _fisher(weights: tuple[float, ...], tasks: Sequence[int]) -> TensorMethod:
    return Fisher(weights, information=[Held(_information(network(0), task)) for task in tasks])


def _dop(weights: tuple[float, ...], _: Sequence[int]) -> TensorMethod:
    return dop(weights)


METHODS: dict[str, Make] = {"regmean": _regmean, "fisher": _fisher, "dop": _dop}


def _merge(make: Make, tasks: Sequence[int], *weights: float, state: Parts | None = None) -> tuple[State, Parts]:
    base = network(0)
    method = make(weights or (1.0,) * len(tasks), tasks)
    return run(method, base, base, [tuned(base, task) for task in tasks], state)[:2]


def test_regmean_solves_the_outputs_in_the_least_squares_sense() -> None:
    base, weights = network(0), (1.0, 2.0, 0.5)
    result, _ = _merge(_regmean, range(3), *weights)
    tasks = [tuned(base, task) for task in range(3)]
    for name, tensor in base.items():
        grams = [_moments(base, task).get(name) for task in range(3)]
        if grams[0] is None:
            mean = sum(u * task[name] for u, task in zip(weights, tasks, strict=True)) / sum(weights)
            torch.testing.assert_close(result[name], mean)
            continue
        view = matrix_view(name, tuple(tensor.shape), "F64")
        assert view is not None
        for block in range(view.blocks):
            total, crossed = 0.0, 0.0
            for weight, task, gram in zip(weights, tasks, grams, strict=True):
                assert gram is not None
                reduced = weight * (0.95 * gram + 0.05 * torch.diag(gram.diagonal())).numpy()
                total = total + reduced
                crossed = crossed + view.apply(task[name].contiguous().reshape(-1).numpy())[block] @ reduced
            expected = np.linalg.solve(total, crossed.T).T
            np.testing.assert_allclose(
                view.apply(result[name].reshape(-1).numpy())[block], expected, rtol=0, atol=1e-11
            )


def test_fisher_is_the_weighted_mean_of_every_parameter() -> None:
    base, weights = network(0), (1.0, 2.0, 0.5)
    result, _ = _merge(_fisher, range(3), *weights)
    tasks = [tuned(base, task) for task in range(3)]
    fishers = [_information(base, task) for task in range(3)]
    norms = [sum(float(tensor.square().sum()) for tensor in fisher.values()) ** 0.5 for fisher in fishers]
    for name, tensor in base.items():
        shares = [
            torch.full_like(tensor, u) if name not in fisher else u * (fisher[name] + 1e-6) / (norm + 1e-6)
            for u, fisher, norm in zip(weights, fishers, norms, strict=True)
        ]
        expected = sum(share * task[name] for share, task in zip(shares, tasks, strict=True)) / sum(shares)
        torch.testing.assert_close(result[name], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["fc.weight", "wide.weight", "conv.weight"])
def test_dop_solves_the_sylvester_equation(name: str) -> None:
    base = network(0)
    result, _ = _merge(_dop, range(4))
    taus = [(tuned(base, task)[name] - base[name]).reshape(base[name].shape[0], -1).numpy() for task in range(4)]
    left, right = sum(tau @ tau.T for tau in taus), sum(tau.T @ tau for tau in taus)
    cross = sum(tau @ tau.T @ tau for tau in taus)
    expected = solve_sylvester(left, right, 2 * cross)
    np.testing.assert_allclose((result[name] - base[name]).reshape(expected.shape).numpy(), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", [(3, 1, 0, 2), (2, 3, 1, 0)])
def test_one_at_a_time_in_any_order_is_all_at_once(method: str, order: tuple[int, ...]) -> None:
    joint, _ = _merge(METHODS[method], range(4))
    state: Parts = {}
    for task in order:
        result, state = _merge(METHODS[method], [task], state=state)
    assert distance(result, joint, network(0)) < 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_a_removed_task_leaves_no_trace(method: str) -> None:
    _, state = _merge(METHODS[method], range(4))
    result, _ = _merge(METHODS[method], [1], -1.0, state=state)
    rest, _ = _merge(METHODS[method], [0, 2, 3])
    assert distance(result, rest, network(0)) < 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_the_first_checkpoint_is_kept_unchanged(method: str) -> None:
    result, _ = _merge(METHODS[method], [0])
    assert distance(result, tuned(network(0), 0), network(0)) < 1e-12


def test_moments_of_another_shape_are_refused() -> None:
    base = network(0)
    moments = [Held({"fc.weight": torch.eye(11, dtype=torch.float64)})]
    with pytest.raises(ValueError, match=r"the input moments of fc\.weight have shape \(11, 11\), expected \(12, 12\)"):
        run(regmean((1.0,), moments), base, base, [tuned(base, 0)])
    information = [Held({"fc.weight": torch.ones(7, 11)})]
    with pytest.raises(
        ValueError, match=r"the Fisher information of fc\.weight has shape \(7, 11\), expected \(7, 12\)"
    ):
        run(Fisher((1.0,), information=information), base, base, [tuned(base, 0)])


def test_dop_counts_its_left_moments() -> None:
    base = network(0)
    with pytest.raises(MomentsTooLarge, match=r"wide\.weight, a 20 × 5 matrix, take 4200 bytes"):
        run(dop((1.0,), max_moment_bytes=4199), base, base, [tuned(base, 1)])
