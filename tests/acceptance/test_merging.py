"""From fine-tuned checkpoints to served versions: what a merge makes, and how it shows itself while it runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.harness.stack import Stack
from merging.ode import OdeConfig
from tests.acceptance import networks
from tests.acceptance.api import Api, Json
from tests.acceptance.material import SAMPLES, TASKS, Material
from tests.acceptance.networks import State

pytestmark = pytest.mark.slow
BUDGET = 20
ENDLESS = {"integrator": "euler", "step_size": 0.0001}
"""Thousands of steps: minutes, so a test that asks such a merge to stop never comes too late."""


@dataclass(frozen=True)
class History:
    """A lineage after one merge for each task, in three dtypes, twice whole and once as the visual part alone."""

    name: str
    sent: dict[str, State]
    merges: Sequence[Json]
    weights: Sequence[State]


@pytest.fixture(scope="module")
def history(
    api: Api, material: Material, lineage: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> History:
    folder = tmp_path_factory.mktemp("history")
    name = lineage("history", calibration_budget=BUDGET)
    sent = {
        "alpha": networks.read(material.full["alpha"]),
        "beta": networks.converted(networks.read(material.visual["beta"]), torch.bfloat16),
        "gamma": networks.converted(networks.read(material.full["gamma"]), torch.float16),
    }
    ids = []
    for task in TASKS:
        checkpoint = networks.save(folder / f"{task.name}.safetensors", sent[task.name])
        document = {"lineage": name, "task": task.document, "labels": {"run": task.name}}
        ids.append(api.merge(document, checkpoint, material.calibration[task.name]))
    merges = [api.wait_success(merge_id) for merge_id in ids]
    weights = [networks.read(api.download(f"{name}@{n}", folder / f"{n}.safetensors")) for n in range(4)]
    return History(name, sent, merges, weights)


def test_merges_of_a_lineage_make_its_versions_in_the_order_in_which_they_were_sent(api: Api, history: History) -> None:
    assert [merge["version"] for merge in history.merges] == ["history@1", "history@2", "history@3"]
    versions = api.versions("history")
    assert [version["number"] for version in versions] == [0, 1, 2, 3]
    assert [len(version["tasks"]) for version in versions] == [0, 1, 2, 3]
    assert [task["name"] for task in versions[3]["tasks"]] == ["alpha", "beta", "gamma"]
    assert api.get("/lineages/history")["head"] == "history@3"
    listed = api.get("/merges", lineage="history")["merges"]
    assert [merge["id"] for merge in listed] == [merge["id"] for merge in history.merges[::-1]]
    assert [merge["labels"] for merge in history.merges] == [{"run": "alpha"}, {"run": "beta"}, {"run": "gamma"}]


def test_a_version_names_its_parent_and_all_that_it_was_made_from(api: Api, history: History) -> None:
    for number, merge in enumerate(history.merges, start=1):
        provenance = api.version(f"history@{number}")["provenance"]
        assert provenance["parent"] == number - 1
        assert provenance["merge"] == merge["id"]
        assert provenance["checkpoint"] == merge["checkpoint"]
        assert provenance["calibration"] == merge["calibration"]
        assert provenance["recipe"]["method"] == "ode"
        assert provenance["libraries"]["torch"]
        assert provenance["device"].startswith("cpu")
    assert api.version("history@0")["provenance"] is None


def test_a_report_gives_every_tasks_loss_and_accuracy_before_and_after(history: History) -> None:
    for number, merge in enumerate(history.merges, start=1):
        tasks = merge["report"]["tasks"]
        assert list(tasks) == [task.name for task in TASKS[:number]]
        for measured in tasks.values():
            assert {"loss", "accuracy"} <= set(measured["before"]) & set(measured["after"])
            assert measured["after"]["loss"] > 0
            assert 0 <= measured["after"]["accuracy"] <= 1
        incoming = tasks[TASKS[number - 1].name]
        assert incoming["checkpoint"]["accuracy"] == 1.0, "the fine-tuned checkpoint knows its own task"
        assert incoming["after"]["loss"] < incoming["before"]["loss"], "the merged model has learnt from it"


def test_the_first_version_is_the_first_checkpoint_with_the_bases_text_tower(
    material: Material, history: History
) -> None:
    base, first = networks.read(material.base), history.weights[1]
    assert list(first) == list(base)
    for name, tensor in first.items():
        expected = history.sent["alpha"][name] if name.startswith("visual.") else base[name]
        assert tensor.dtype == base[name].dtype
        assert torch.equal(tensor, expected), name


@pytest.mark.parametrize("number", [2, 3])
def test_a_later_version_lies_between_its_parent_and_the_checkpoint(history: History, number: int) -> None:
    head, merged, incoming = (
        torch.cat([state[name].double().flatten() for name in sorted(networks.visual_only(history.weights[1]))])
        for state in (history.weights[number - 1], history.weights[number], history.sent[TASKS[number - 1].name])
    )
    way = incoming - head
    share = float((merged - head) @ way / (way @ way))
    assert 0.1 < share < 0.9
    assert (merged - head).norm() < way.norm()
    assert (merged - incoming).norm() < way.norm()
    for name, tensor in history.weights[number].items():
        if not name.startswith("visual."):
            assert torch.equal(tensor, history.weights[0][name]), name


def test_the_calibration_memory_stays_within_the_budget_whatever_was_merged(
    api: Api, stack: Stack, history: History
) -> None:
    for number in (1, 2, 3):
        memory = networks.read(stack.blob(api.version(f"{history.name}@{number}")["memory"]))
        counts = [len(memory[f"{task}.labels"]) for task in range(number)]
        assert counts == [min(SAMPLES, BUDGET // number)] * number
        assert all(len(memory[f"{task}.images"]) == count for task, count in enumerate(counts))
        assert sum(counts) <= BUDGET


def test_open_clip_loads_a_version_with_its_config_and_computes_the_same_embeddings(
    api: Api, history: History, tmp_path: Path
) -> None:
    import open_clip

    config = api.http.get("/models/history@3/open_clip_config.json")
    (tmp_path / "open_clip_config.json").write_bytes(config.content)
    api.download("history@3", tmp_path / "open_clip_model.safetensors")
    loaded, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{tmp_path}")
    loaded.eval()
    by_hand = networks.load(history.weights[3])
    images = TASKS[2].sample(6, seed=5)["images"]
    with torch.no_grad():
        assert torch.equal(networks.embed(loaded, images), networks.embed(by_hand, images))
        texts = open_clip.tokenize(["a photo of a cat"], context_length=16)
        assert torch.equal(loaded.encode_text(texts), by_hand.encode_text(texts))  # type: ignore[operator]
        without = networks.load(history.weights[3], networks.CONFIG | {"quick_gelu": False})
        assert not torch.allclose(networks.embed(loaded, images), networks.embed(without, images), atol=1e-4)
    assert [type(step).__name__ for step in preprocess.transforms][:2] == ["Resize", "CenterCrop"]


def test_merging_the_same_into_two_lineages_gives_the_same_bytes(
    api: Api, material: Material, lineage: Callable[..., str]
) -> None:
    names = [lineage(f"twin-{letter}") for letter in "ab"]
    ids = [
        api.merge({"lineage": name, "task": task.document}, material.full[task.name], material.calibration[task.name])
        for task in TASKS[:2]
        for name in names
    ]
    for merge_id in ids:
        api.wait_success(merge_id)
    for number in (1, 2):
        one, other = (api.version(f"{name}@{number}") for name in names)
        assert one["weights"] == other["weights"]
        assert one["memory"] == other["memory"]


def test_a_running_merge_shows_step_time_and_losses_while_it_runs(
    api: Api, material: Material, lineage: Callable[..., str]
) -> None:
    name = lineage("watched", base_utility=1.0)
    document = {"lineage": name, "task": TASKS[0].document, "recipe": {"integrator": "euler", "step_size": 0.004}}
    seen: list[Json] = []

    def see(view: Json) -> None:
        if view["state"] == "running" and view["progress"] and view["progress"]["step"]:
            seen.append(view["progress"])

    ended = api.wait(api.merge(document, material.full["alpha"], material.calibration["alpha"]), see)
    assert ended["state"] == "succeeded"
    assert ended["progress"] is None
    phases = ["merging", "weighing", "refining"]
    steps = [(phases.index(progress["phase"]), progress["step"]) for progress in seen]
    assert steps == sorted(steps)
    assert len({step for phase, step in steps if phase == 0}) >= 3
    for progress in seen:
        assert 0 < progress["t"] <= progress["T"] == 0.5
        assert progress["losses"]["alpha"] > 0


def test_a_queued_merge_is_cancelled_at_once_and_a_running_one_at_its_next_step(
    api: Api, material: Material, lineage: Callable[..., str]
) -> None:
    name = lineage("cancelled", base_utility=1.0)

    def send(recipe: dict[str, Any]) -> str:
        document = {"lineage": name, "task": TASKS[0].document, "recipe": recipe}
        return api.merge(document, material.visual["alpha"], material.calibration["alpha"])

    running, queued, last = send(ENDLESS), send(ENDLESS), send({"method": "average"})
    api.wait_running(running)
    response = api.http.post(f"/merges/{queued}/cancel")
    assert (response.status_code, response.json()["state"]) == (202, "cancelled")
    assert api.merge_view(running)["state"] == "running"

    response = api.http.post(f"/merges/{running}/cancel")
    assert response.status_code == 202
    assert response.json()["cancel_requested"]
    ended = api.wait(running)
    assert (ended["state"], ended["version"], ended["problem"]) == ("cancelled", None, None)

    assert api.wait_success(last)["version"] == "cancelled@1"
    late = api.http.post(f"/merges/{last}/cancel")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/merge-ended")


@pytest.mark.parametrize("method", ["ode", "average"])
def test_a_checkpoint_with_nan_fails_with_the_tensor_name_and_the_next_merge_runs(
    api: Api, material: Material, lineage: Callable[..., str], tmp_path: Path, method: str
) -> None:
    name = lineage(f"nan-{method}")
    poisoned = networks.read(material.full["alpha"])
    poisoned["visual.conv1.weight"][3, 2, 1, 0] = float("nan")
    document = {"lineage": name, "task": TASKS[0].document, "recipe": {"method": method}}
    bad = api.merge(document, networks.save(tmp_path / "nan.safetensors", poisoned), material.calibration["alpha"])
    good = api.merge(document, material.full["alpha"], material.calibration["alpha"])
    failed = api.wait(bad)
    assert (failed["state"], failed["version"]) == ("failed", None)
    assert failed["problem"]["type"] == "/problems/not-finite"
    assert "visual.conv1.weight" in failed["problem"]["detail"]
    assert api.wait_success(good)["version"] == f"{name}@1"
    assert len(api.versions(name)) == 2


def test_json_merges_uploaded_blobs_and_a_bare_number_names_a_version_of_the_default_lineage(
    api: Api, material: Material, lineage: Callable[..., str]
) -> None:
    lineage("default")
    document = {
        "task": TASKS[0].document,
        "checkpoint": api.post_blob(material.visual["alpha"]),
        "calibration": api.post_blob(material.calibration["alpha"]),
    }
    made = api.wait_success(api.merge_of_blobs(document))
    assert made["version"] == "default@1"
    assert made["checkpoint"] == document["checkpoint"]
    assert api.version("1") == api.version("latest") == api.version("default@1")


def test_without_an_architecture_the_average_of_any_weights_is_their_mean(api: Api, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(7)

    def made(index: int) -> State:
        return {
            "encoder.weight": torch.randn(33, 17, generator=generator),
            "encoder.bias": torch.randn(17, generator=generator).half(),
            "encoder.steps": torch.tensor([index]),
        }

    base, *checkpoints = (made(index) for index in range(4))
    digest = api.post_blob(networks.save(tmp_path / "base.safetensors", base))
    api.create_lineage({"name": "plain", "base": digest, "recipe": {"method": "average"}})
    ids = [
        api.merge(
            {"lineage": "plain", "task": {"name": f"task{n}"}}, networks.save(tmp_path / f"{n}.safetensors", state)
        )
        for n, state in enumerate(checkpoints)
    ]
    for merge_id in ids:
        api.wait_success(merge_id)
    for number in (1, 2, 3):
        result = networks.read(api.download(f"plain@{number}", tmp_path / f"v{number}.safetensors"))
        assert torch.equal(result["encoder.steps"], base["encoder.steps"]), "what is no float is the base's"
        for name, tolerance in (("encoder.weight", 1e-6), ("encoder.bias", 2e-3)):
            mean = torch.stack([state[name].double() for state in checkpoints[:number]]).mean(dim=0)
            assert result[name].dtype == base[name].dtype
            torch.testing.assert_close(result[name].double(), mean, rtol=0, atol=tolerance)
    version = api.version("plain@3")
    assert version["config_url"] is None
    assert api.http.get("/models/plain@3/open_clip_config.json").status_code == 404


def test_a_lineages_recipe_keeps_the_parameters_that_were_set_and_no_others(
    api: Api, material: Material, lineage: Callable[..., str]
) -> None:
    recipe = {"method": "ode", "operating_time": "utilities", "barrier_budget": 0.1}
    name = lineage("as-requested", recipe=recipe)
    assert api.get(f"/lineages/{name}")["recipe"] == recipe
    document = {"lineage": name, "task": TASKS[0].document, "recipe": {"seed": 3}}
    made = api.wait_success(api.merge(document, material.visual["alpha"], material.calibration["alpha"]))
    assert made["recipe"] == recipe | {"seed": 3}
    assert api.version(f"{name}@1")["provenance"]["recipe"] == recipe | {"seed": 3}


def test_coefficients_are_learned_against_the_lineages_base_from_the_second_checkpoint_on(
    api: Api, material: Material, lineage: Callable[..., str]
) -> None:
    name = lineage("weighed", recipe={"method": "ode", "coefficients": True})
    reported = []
    for task in TASKS[:2]:
        api.wait_success(
            api.merge(
                {"lineage": name, "task": task.document}, material.visual[task.name], material.calibration[task.name]
            )
        )
        reported.append(api.version(f"{name}@{len(reported) + 1}")["report"]["coefficients"])
    first, second = reported
    assert first == {}
    assert second["steps"] == OdeConfig.from_recipe({}).coefficient_steps
    assert second["rows"] > 0
