"""Every data-free method through POST /merge, on weights without an architecture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.harness.stack import Stack
from merging.average import Average
from merging.dare import dare
from merging.linear import Linear
from merging.magmax import WINNERS, MagMax
from merging.opcm import Opcm
from merging.slerp import Slerp
from merging.streaming import Method
from merging.task_arithmetic import TaskArithmetic
from merging.ties import PARTS, Ties
from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.unit.merging.streams import State, draw, nearby, run
from tests.unit.merging.test_ties import batch_ties

pytestmark = pytest.mark.slow
COUNT = 3
Recipe = dict[str, Any]


def _base() -> State:
    return {
        "block.weight": draw(1, 40, 70, dtype=torch.bfloat16, spread=0.5),
        "block.bias": draw(2, 40, spread=0.5),
        "steps": torch.tensor([5]),
        "norm.weight": draw(3, 70, dtype=torch.float16, spread=0.5),
    }


BASE = _base()
MODELS = [
    {name: nearby(tensor, 10 * number + 4) if tensor.is_floating_point() else tensor for name, tensor in BASE.items()}
    for number in range(COUNT)
]


class _Opcm:
    """Makes each merge's method from the numbers of the one before."""

    def __init__(self, folder: Path) -> None:
        self.last = Opcm(0.5, folder)

    def __call__(self, _: int) -> Opcm:
        self.last = Opcm(0.5, self.last.scratch, self.last.count, self.last.mean_norm, self.last.scale)
        return self.last


CASES: dict[str, tuple[Recipe, Callable[[int], Method]]] = {
    "average": ({"method": "average"}, lambda k: Average(float(k - 1), (1.0,))),
    "linear": ({"method": "linear", "alpha": 0.3}, lambda _: Linear(0.3)),
    "task_arithmetic": ({"method": "task_arithmetic", "scaling": 0.4}, lambda _: TaskArithmetic(0.4)),
    "ties": ({"method": "ties", "density": 0.3}, lambda _: Ties(0.3)),
    "ties by model": ({"method": "ties", "density": 0.3, "scope": "model"}, lambda _: Ties(0.3, scope="model")),
    "magmax": ({"method": "magmax", "scaling": 0.7}, lambda _: MagMax(0.7)),
    "slerp": ({"method": "slerp"}, lambda k: Slerp(1.0 / k)),
    "dare": (
        {"method": "dare", "drop_rate": 0.5, "seed": 3, "scaling": 0.4},
        lambda k: TaskArithmetic(0.4, dare(0.5, 3, [f"task{k}"])),
    ),
    "dare then ties": (
        {"method": "dare", "drop_rate": 0.5, "then": "ties", "scaling": 1.0},
        lambda k: Ties(0.2, 1.0, thin=dare(0.5, 0, [f"task{k}"])),
    ),
}


def _lineage(api: Api, folder: Path, name: str) -> str:
    digest = api.post_blob(networks.save(folder / "base.safetensors", BASE))
    api.create_lineage({"name": name, "base": digest, "recipe": {"method": "average"}})
    return name


def _send(api: Api, folder: Path, name: str, number: int, recipe: Recipe) -> Json:
    checkpoint = networks.save(folder / f"{number}.safetensors", MODELS[number - 1])
    return api.wait(api.merge({"lineage": name, "task": {"name": f"task{number}"}, "recipe": recipe}, checkpoint))


def _weights(api: Api, folder: Path, name: str, number: int) -> State:
    return networks.read(api.download(f"{name}@{number}", folder / f"v{number}.safetensors"))


def _equal(one: State, other: State) -> bool:
    return list(one) and all(torch.equal(one[name], other[name]) for name in other)  # type: ignore[return-value]


@pytest.mark.parametrize("case", [*CASES, "opcm"])
def test_versions_equal_the_library_bit_for_bit(api: Api, stack: Stack, tmp_path: Path, case: str) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    recipe, method = CASES[case] if case != "opcm" else ({"method": "opcm"}, _Opcm(scratch))
    name = _lineage(api, tmp_path, case.replace(" ", "-"))
    head, parts = BASE, None
    for number in range(1, COUNT + 1):
        ended = _send(api, tmp_path, name, number, recipe)
        assert ended["state"] == "succeeded", ended
        head, kept, _ = run(method(number), BASE, head, [MODELS[number - 1]], parts)
        parts = kept or None
        assert _equal(_weights(api, tmp_path, name, number), head)
    state = api.version(f"{name}@{COUNT}")["state"]
    expected = set(PARTS) if "ties" in case else {WINNERS} if case == "magmax" else set()
    assert set((state or {"parts": {}})["parts"]) == expected
    for part, digest in (state or {"parts": {}})["parts"].items():
        assert _equal(networks.read(stack.blob(digest)), parts[part] if parts else {})
    if case == "opcm":
        assert state["scalars"]["count"] == COUNT
    assert stack.uploads == []


def test_ties_continues_from_a_head_that_is_one_checkpoint(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "to-ties")
    assert _send(api, tmp_path, name, 1, {"method": "average"})["state"] == "succeeded"
    assert _send(api, tmp_path, name, 2, {"method": "ties", "density": 0.4})["state"] == "succeeded"
    assert _send(api, tmp_path, name, 3, {"method": "ties", "density": 0.4, "scaling": 0.5})["state"] == "succeeded"
    floats = [{key: tensor for key, tensor in state.items() if tensor.is_floating_point()} for state in (BASE, *MODELS)]
    assert _equal(_weights(api, tmp_path, name, 2), batch_ties(floats[0], floats[1:3], 0.4, 1.0))
    assert _equal(_weights(api, tmp_path, name, 3), batch_ties(floats[0], floats[1:], 0.4, 0.5))


@pytest.mark.parametrize(
    ("method", "missing"), [("ties", "sums and counts"), ("magmax", "winning values"), ("opcm", "mean norm")]
)
def test_a_method_is_refused_if_head_lacks_its_state(api: Api, tmp_path: Path, method: str, missing: str) -> None:
    name = _lineage(api, tmp_path, f"no-{method}")
    for number in (1, 2):
        assert _send(api, tmp_path, name, number, {"method": "average"})["state"] == "succeeded"
    refused = _send(api, tmp_path, name, 3, {"method": method})
    assert (refused["state"], refused["problem"]["type"]) == ("failed", "/problems/method-unavailable")
    for words in (missing, f"{name}@2", "average", "start a lineage"):
        assert words in refused["problem"]["detail"]
    assert _send(api, tmp_path, name, 3, {"method": "linear"})["version"] == f"{name}@3"


def test_opcm_continues_from_a_head_that_is_one_checkpoint(api: Api, tmp_path: Path) -> None:
    names = [_lineage(api, tmp_path, f"to-opcm-{first}") for first in ("average", "opcm")]
    for name, first in zip(names, ("average", "opcm"), strict=True):
        assert _send(api, tmp_path, name, 1, {"method": first})["state"] == "succeeded"
        assert _send(api, tmp_path, name, 2, {"method": "opcm"})["state"] == "succeeded"
    assert _equal(*(_weights(api, tmp_path, name, 2) for name in names))


@pytest.mark.parametrize("method", ["ties", "dare", "magmax", "slerp", "opcm"])
def test_a_checkpoint_with_infinity_fails_by_name_and_leaves_nothing(
    api: Api, stack: Stack, tmp_path: Path, method: str
) -> None:
    name = _lineage(api, tmp_path, f"bad-{method}")
    bad = {key: tensor.clone() for key, tensor in MODELS[0].items()}
    bad["norm.weight"][7] = float("inf")
    checkpoint = networks.save(tmp_path / "bad.safetensors", bad)
    document = {"lineage": name, "task": {"name": "bad"}, "recipe": {"method": method}}
    failed = api.wait(api.merge(document, checkpoint))
    assert failed["problem"]["type"] == "/problems/not-finite"
    assert "norm.weight of the checkpoint" in failed["problem"]["detail"]
    assert stack.uploads == []
    assert _send(api, tmp_path, name, 1, {"method": method})["version"] == f"{name}@1"


def test_a_gate_is_refused_where_nothing_can_be_evaluated(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "no-gate")
    document = {"lineage": name, "task": {"name": "a"}, "gate": {"max_drop": 0.1}}
    response = api.send_merge(document, networks.save(tmp_path / "a.safetensors", MODELS[0]), None)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/method-unavailable")
