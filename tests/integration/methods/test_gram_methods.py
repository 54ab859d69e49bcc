"""The Gram family through POST /merge: exact in any order, with state that other methods of the family continue."""

from pathlib import Path

import pytest
import torch

from benchmarks.harness.stack import Stack
from merging.actmat import actmat
from merging.aswudi import aswudi
from merging.dop import dop
from merging.gram import GramMerge
from merging.iso_c import IsoC
from merging.swudi import swudi
from merging.tact import tact
from merging.wudi import wudi
from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.unit.merging.streams import State, run
from tests.unit.merging.test_gram import network, tuned

pytestmark = pytest.mark.slow
COUNT = 3
BASE = network(0, torch.float32)
MODELS = [tuned(BASE, seed) for seed in range(COUNT)]
PARTS = {"count", "sum", "gram", "cross"}
METHODS = {"wudi": wudi, "swudi": swudi, "aswudi": aswudi, "actmat": actmat, "tact": tact, "dop": dop}


def _lineage(api: Api, folder: Path, name: str) -> str:
    digest = api.post_blob(networks.save(folder / "base.safetensors", BASE))
    api.create_lineage({"name": name, "base": digest, "recipe": {"method": "average"}})
    return name


def _send(api: Api, folder: Path, name: str, number: int, recipe: Json, utility: float = 1.0) -> Json:
    checkpoint = networks.save(folder / f"{number}.safetensors", MODELS[number])
    task = {"name": f"task{number}", "utility": utility}
    return api.wait(api.merge({"lineage": name, "task": task, "recipe": recipe}, checkpoint))


def _weights(api: Api, folder: Path, name: str, number: int) -> State:
    return networks.read(api.download(f"{name}@{number}", folder / f"v{number}.safetensors"))


def _close(one: State, other: State) -> None:
    for name, tensor in other.items():
        torch.testing.assert_close(one[name], tensor, rtol=0, atol=1e-6)


def _at_once(make: type[GramMerge], *utilities: float) -> State:
    return run(make(utilities), BASE, BASE, MODELS[: len(utilities)])[0]


@pytest.mark.parametrize("method", METHODS)
def test_versions_are_the_joint_result_in_any_order(api: Api, tmp_path: Path, method: str) -> None:
    result = []
    for label, order in (("forth", (0, 1, 2)), ("back", (2, 0, 1))):
        name = _lineage(api, tmp_path, f"{method}-{label}")
        for index in order:
            ended = _send(api, tmp_path, name, index, {"method": method}, 0.5 if index == 1 else 1.0)
            assert ended["state"] == "succeeded", ended
        result.append(_weights(api, tmp_path, name, COUNT))
        state = api.version(f"{name}@{COUNT}")["state"]
        assert set(state["parts"]) == PARTS | ({"gram_left"} if method == "dop" else set())
        assert state["scalars"]["format"] == 1
    _close(result[1], result[0])
    _close(result[0], _at_once(METHODS[method], 1.0, 0.5, 1.0))  # type: ignore[arg-type]


def test_the_first_version_is_the_checkpoint_and_other_families_continue_from_it(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "gram-first")
    assert _send(api, tmp_path, name, 0, {"method": "aswudi", "scaling": 1.3})["state"] == "succeeded"
    first = _weights(api, tmp_path, name, 1)
    assert all(torch.equal(first[key], tensor) for key, tensor in MODELS[0].items())
    assert _send(api, tmp_path, name, 1, {"method": "actmat"})["state"] == "succeeded"
    _close(_weights(api, tmp_path, name, 2), _at_once(actmat, 1.0, 1.0))  # type: ignore[arg-type]


def test_it_continues_from_an_average_of_one(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "gram-derived")
    assert _send(api, tmp_path, name, 0, {"method": "average"}, 2.0)["state"] == "succeeded"
    assert _send(api, tmp_path, name, 1, {"method": "aswudi"})["state"] == "succeeded"
    _close(_weights(api, tmp_path, name, 2), _at_once(aswudi, 2.0, 1.0))  # type: ignore[arg-type]


def test_wudi_swudi_and_aswudi_continue_each_others_state(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "gram-family")
    for index, method in enumerate(("wudi", "swudi", "aswudi")):
        assert _send(api, tmp_path, name, index, {"method": method})["state"] == "succeeded"
    _close(_weights(api, tmp_path, name, 3), _at_once(aswudi, 1.0, 1.0, 1.0))  # type: ignore[arg-type]


def test_a_state_of_other_sums_is_refused_and_head_stays(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "gram-other")
    for index in (0, 1):
        assert _send(api, tmp_path, name, index, {"method": "tact"})["state"] == "succeeded"
    refused = _send(api, tmp_path, name, 2, {"method": "aswudi"})
    assert (refused["state"], refused["problem"]["type"]) == ("failed", "/problems/method-unavailable")
    assert "normalised second moments" in refused["problem"]["detail"]
    refused = _send(api, tmp_path, name, 2, {"method": "tact", "density": 0.25})
    assert (refused["state"], refused["problem"]["type"]) == ("failed", "/problems/method-unavailable")
    assert '"density": 0.5' in refused["problem"]["detail"]
    assert _send(api, tmp_path, name, 2, {"method": "tact"})["version"] == f"{name}@3"


def test_a_damaged_state_and_moments_that_are_too_large_end_clearly(api: Api, stack: Stack, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "gram-damaged")
    assert _send(api, tmp_path, name, 0, {"method": "aswudi"})["state"] == "succeeded"
    blob = stack.blob(api.version(f"{name}@1")["state"]["parts"]["gram"])
    whole = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(whole[:-100])
    ended = _send(api, tmp_path, name, 1, {"method": "aswudi"})
    assert (ended["state"], ended["problem"]["type"]) == ("failed", "/problems/invalid-input"), ended
    blob.write_bytes(whole)
    assert _send(api, tmp_path, name, 1, {"method": "aswudi"})["version"] == f"{name}@2"
    assert stack.uploads == []


def test_methods_that_need_less_continue_from_a_state_that_holds_more(api: Api, tmp_path: Path) -> None:
    name = _lineage(api, tmp_path, "gram-contained")
    for index, method in enumerate(("dop", "actmat", "iso_c")):
        assert _send(api, tmp_path, name, index, {"method": method})["state"] == "succeeded"
    _close(_weights(api, tmp_path, name, 2), _at_once(actmat, 1.0, 1.0))  # type: ignore[arg-type]
    _close(_weights(api, tmp_path, name, 3), run(IsoC((1.0,) * 3), BASE, BASE, MODELS)[0])
