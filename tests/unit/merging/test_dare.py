"""DARE."""

import pytest
import torch

from merging.dare import dare
from merging.streaming import CHUNK
from merging.task_arithmetic import TaskArithmetic, Thin
from merging.ties import Ties
from tests.unit.merging.streams import draw, nearby, run


def _kept(thin: Thin, count: int = 200_000, name: str = "w", index: int = 0) -> torch.Tensor:
    return _thinned(thin, count, name, index) != 0


def _thinned(thin: Thin, count: int, name: str = "w", index: int = 0, start: int = 0) -> torch.Tensor:
    tau = torch.ones(count, dtype=torch.float64)
    thin(tau.numpy(), name, index, start)
    return tau


def test_the_given_share_is_dropped_and_the_rest_made_larger() -> None:
    for rate in (0.1, 0.5, 0.9):
        thinned = _thinned(dare(rate, 0, ["a"]), 200_000)
        assert float((thinned == 0).double().mean()) == pytest.approx(rate, abs=0.005)
        assert torch.equal(thinned[thinned != 0].unique(), torch.tensor([1 / (1 - rate)], dtype=torch.float64))


def test_drops_differ_by_seed_label_and_name_and_repeat_otherwise() -> None:
    first = _kept(dare(0.5, 0, ["a"]))
    assert torch.equal(first, _kept(dare(0.5, 0, ["a"])))
    for other in (_kept(dare(0.5, 1, ["a"])), _kept(dare(0.5, 0, ["b"])), _kept(dare(0.5, 0, ["a"]), name="v")):
        assert float((first == other).double().mean()) == pytest.approx(0.5, abs=0.01)


def test_drops_do_not_depend_on_chunks() -> None:
    thin = dare(0.5, 3, ["a"])
    whole = _thinned(thin, 1000)
    pieces = [_thinned(thin, 250, start=start) for start in range(0, 1000, 250)]
    assert torch.equal(whole, torch.cat(pieces))


def test_without_drops_it_is_the_method_itself() -> None:
    base = {"w": draw(1, 300)}
    model = {"w": nearby(base["w"], 2)}
    for plain, thinned in (
        (TaskArithmetic(0.4), TaskArithmetic(0.4, dare(0.0, 0, ["a"]))),
        (Ties(0.3), Ties(0.3, thin=dare(0.0, 0, ["a"]))),
    ):
        assert torch.equal(run(plain, base, base, [model])[0]["w"], run(thinned, base, base, [model])[0]["w"])


def test_ties_after_drops_trims_the_remaining_entries() -> None:
    size = CHUNK + 1000
    base, model = {"w": torch.zeros(size)}, {"w": draw(2, size)}
    weights, parts, _ = run(Ties(0.2, thin=dare(0.5, 0, ["a"])), base, base, [model])
    kept = int((weights["w"] != 0).sum())
    assert kept == round(0.2 * size)
    assert torch.equal(weights["w"][weights["w"] != 0], 2 * model["w"][weights["w"] != 0])
    assert int(parts["positive_count"]["w"].sum() + parts["negative_count"]["w"].sum()) == kept


def test_the_mean_of_many_draws_is_the_task_vector() -> None:
    base, model = {"w": torch.zeros(50)}, {"w": draw(3, 50, spread=0.5)}
    draws = [run(TaskArithmetic(1.0, dare(0.5, seed, ["a"])), base, base, [model])[0]["w"] for seed in range(2000)]
    torch.testing.assert_close(torch.stack(draws).mean(dim=0), model["w"], rtol=0.15, atol=0)
