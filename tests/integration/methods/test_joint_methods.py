"""Methods whose state gives the joint result, through POST /merge: stored, continued, and what the library computes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.harness.stack import Stack
from merging.breadcrumbs import MASKED_SUM, Breadcrumbs
from merging.consensus import USES, Consensus
from merging.dc_merge import DcMerge
from merging.della import Della
from merging.emr import HIGHEST, LOWEST, Emr
from merging.iso_c import IsoC
from merging.iso_cts import IsoCts
from merging.localize_and_stitch import KEPT_COUNT, KEPT_SUM, LocalizeAndStitch
from merging.model_stock import DIRECTIONS, NONZERO, ModelStock
from merging.nufilt import NuFilt
from merging.pcb import WEIGHT, WEIGHTED_SUM, Pcb
from merging.singular_triples import LEFT, RIGHT, VALUES
from merging.streaming import AnyMethod
from merging.ties import PARTS
from merging.tsv_m import TsvM
from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.unit.merging.streams import State, draw, nearby, run
from tests.unit.merging.test_merge_lock import attention, fine_tuned, lock, state_of

pytestmark = pytest.mark.slow

COUNT = 3
SUMS = {"count", "sum"}
TRIPLES = SUMS | {LEFT, VALUES, RIGHT}

CASES: dict[str, tuple[Json, Callable[[int], AnyMethod], set[str]]] = {
    "iso_c": ({}, lambda _: IsoC((1.0,)), SUMS),
    "tsv_m": ({}, lambda _: TsvM((1.0,)), TRIPLES),
    "dc_merge": ({"density": 0.02}, lambda _: DcMerge((1.0,), density=0.02), TRIPLES),
    "iso_cts": ({"common": 0.6}, lambda _: IsoCts((1.0,), common=0.6), TRIPLES),
    "emr": ({"scaling": 0.4}, lambda _: Emr(0.4), {"sum", HIGHEST, LOWEST}),
    "breadcrumbs": ({"density": 0.5}, lambda _: Breadcrumbs(0.5, 0.01, 0.3), {MASKED_SUM}),
    "della": ({"seed": 4}, lambda k: Della(0.5, 0.15, 1.0, 4, [f"task{k}"]), set(PARTS)),
    "model_stock": ({}, ModelStock, {"sum", DIRECTIONS, NONZERO}),
    "localize_and_stitch": ({"density": 0.2}, lambda _: LocalizeAndStitch(0.2), {KEPT_SUM, KEPT_COUNT}),
    "nufilt": ({"rank": 8}, lambda k: NuFilt(k - 1, 8), set()),
    "consensus": ({}, lambda k: Consensus(k, 2, 0.4, 0.3), {"sum", USES}),
    "pcb": ({"density": 0.2}, lambda k: Pcb(k, 0.2, 1.2), {"sum", WEIGHTED_SUM, WEIGHT}),
}
"""Method -> (fields of its recipe, the same from the library for merge k, parts of its state)."""

APPROXIMATE = {"iso_cts", "consensus", "pcb", "nufilt"}


def _base() -> State:
    return {
        "block.weight": draw(1, 24, 30, dtype=torch.bfloat16, spread=0.5),
        "block.bias": draw(2, 24, spread=0.5),
        "steps": torch.tensor([5]),
        "attn.in_proj_weight": draw(3, 36, 12, spread=0.5),
    }


BASE = _base()
MODELS = [
    {name: nearby(tensor, 10 * number + 4) if tensor.is_floating_point() else tensor for name, tensor in BASE.items()}
    for number in range(COUNT)
]


def _lineage(api: Api, folder: Path, name: str, base: State = BASE) -> str:
    digest = api.post_blob(networks.save(folder / "base.safetensors", base))
    api.create_lineage({"name": name, "base": digest, "recipe": {"method": "average"}})
    return name


def _send(api: Api, folder: Path, name: str, number: int, recipe: Json, model: State | None = None) -> Json:
    checkpoint = networks.save(folder / f"{number}.safetensors", MODELS[number - 1] if model is None else model)
    return api.wait(api.merge({"lineage": name, "task": {"name": f"task{number}"}, "recipe": recipe}, checkpoint))


def _weights(api: Api, folder: Path, name: str, number: int) -> State:
    return networks.read(api.download(f"{name}@{number}", folder / f"v{number}.safetensors"))


@pytest.mark.parametrize("method", CASES)
def test_versions_and_state_equal_the_library_bit_for_bit(api: Api, stack: Stack, tmp_path: Path, method: str) -> None:
    fields, make, expected = CASES[method]
    name = _lineage(api, tmp_path, f"joint-{method.replace('_', '-')}")
    head, parts = BASE, None
    for number in range(1, COUNT + 1):
        ended = _send(api, tmp_path, name, number, {"method": method} | fields)
        assert ended["state"] == "succeeded", ended
        head, parts, _ = run(make(number), BASE, head, [MODELS[number - 1]], parts)
        result = _weights(api, tmp_path, name, number)
        assert all(torch.equal(result[key], value) for key, value in head.items())
        assert ("approximation" in ended["report"]) == (method in APPROXIMATE)
    state = api.version(f"{name}@{COUNT}")["state"] or {"parts": {}}
    assert set(state["parts"]) == expected
    for part, digest in state["parts"].items():
        stored = networks.read(stack.blob(digest))
        assert all(torch.equal(stored[key], value) for key, value in parts[part].items())


def test_a_locked_checkpoint_ends_the_merge_and_leaves_the_head_alone(api: Api, tmp_path: Path) -> None:
    base = state_of(attention(1))
    name = _lineage(api, tmp_path, "locked", base)
    ordinary = fine_tuned(base, 0.02)
    assert _send(api, tmp_path, name, 1, {"method": "tsv_m"}, ordinary)["state"] == "succeeded"
    ended = _send(api, tmp_path, name, 2, {"method": "tsv_m"}, lock(ordinary))
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/checkpoint-locked"), ended
    assert "layer0.in_proj_weight" in ended["problem"]["detail"]
    assert api.version(f"{name}@latest")["number"] == 1


def test_a_method_continues_from_the_state_of_another_method_of_its_family(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "shared-state")
    head, parts = BASE, None
    steps = [("tsv_m", TsvM((1.0,))), ("dc_merge", DcMerge((1.0,))), ("iso_c", IsoC((1.0,)))]
    for number, (method, made) in enumerate(steps, 1):
        assert _send(api, tmp_path, name, number, {"method": method})["state"] == "succeeded"
        head, parts, _ = run(made, BASE, head, [MODELS[number - 1]], parts)
        result = _weights(api, tmp_path, name, number)
        assert all(torch.equal(result[key], value) for key, value in head.items())
    refused = _send(api, tmp_path, name, 1, {"method": "tsv_m"})
    assert (refused["state"], refused["problem"]["type"]) == ("failed", "/problems/method-unavailable")
    assert "singular triples" in refused["problem"]["detail"]


def test_della_probabilities_beyond_one_are_refused_with_a_sentence(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "della-range")
    ended = _send(api, tmp_path, name, 1, {"method": "della", "density": 0.9, "epsilon": 0.2})
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/invalid-input")
    assert "density ± epsilon" in ended["problem"]["detail"]
