"""The zoo's files, made from a plan that trains for two steps."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from open_clip.transformer import QuickGELU
from safetensors.torch import load_file

from benchmarks.zoo import Plan, Zoo, build, network, read
from benchmarks.zoo.build import digest
from benchmarks.zoo.images import SIZE
from benchmarks.zoo.training import Schedule

pytestmark = pytest.mark.slow
SHORT = Schedule(steps=2, batch=8, rate=1e-3)
PLAN = Plan(
    tasks=("digits", "stripes"),
    mixture=("digits", "stripes", "counts"),
    pretraining=SHORT,
    fine_tuning=SHORT,
    pretraining_size=8,
    styled_size=8,
    train_size=16,
    calibration_size=12,
    test_size=10,
)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return build(tmp_path_factory.mktemp("zoo"), PLAN, progress=False)


def files(zoo: Zoo) -> list[Path]:
    return [zoo.base, *(path for task in zoo.tasks for path in (task.checkpoint, task.calibration, task.test))]


def test_the_base_is_a_full_open_clip_state_dict_with_quick_gelu(zoo: Zoo) -> None:
    loaded = network.load(zoo.base)
    assert any(isinstance(module, QuickGELU) for module in loaded.visual.modules())
    assert not loaded.training


def test_a_checkpoint_is_the_visual_tower_and_differs_from_the_base(zoo: Zoo) -> None:
    base = load_file(zoo.base)
    for task in zoo.tasks:
        tuned = load_file(task.checkpoint)
        assert set(tuned) == {name for name in base if name.startswith("visual.")}
        assert any(not torch.equal(tuned[name], base[name]) for name in tuned)


def test_samples_are_uint8_images_with_int64_labels(zoo: Zoo) -> None:
    for task in zoo.tasks:
        for path, size in ((task.calibration, 12), (task.test, 10)):
            tensors = load_file(path)
            assert tensors["images"].shape == (size, 3, SIZE, SIZE)
            assert tensors["images"].dtype == torch.uint8
            assert tensors["labels"].dtype == torch.int64
            assert int(tensors["labels"].max()) < len(task.classnames)


def test_calibration_and_test_images_are_different_ones(zoo: Zoo) -> None:
    for task in zoo.tasks:
        calibration, test = ({image.tobytes() for image in read(p).images} for p in (task.calibration, task.test))
        assert not calibration & test


def test_a_second_build_trains_nothing(zoo: Zoo) -> None:
    before = [(path, path.stat().st_mtime_ns) for path in files(zoo)]
    again = build(zoo.base.parents[1], PLAN, progress=False)
    assert [(path, path.stat().st_mtime_ns) for path in files(again)] == before


def test_the_same_plan_gives_the_same_bytes_elsewhere(zoo: Zoo, tmp_path: Path) -> None:
    elsewhere = build(tmp_path, PLAN, progress=False)
    assert [path.read_bytes() for path in files(elsewhere)] == [path.read_bytes() for path in files(zoo)]


def test_a_lost_file_is_made_again_as_it_was(zoo: Zoo) -> None:
    lost = zoo.tasks[1].checkpoint
    content = lost.read_bytes()
    lost.unlink()
    build(zoo.base.parents[1], PLAN, progress=False)
    assert lost.read_bytes() == content


def test_the_folder_depends_on_everything_but_the_requested_tasks() -> None:
    assert digest(replace(PLAN, tasks=("letters",))) == digest(PLAN)
    assert digest(replace(PLAN, seed=1)) != digest(PLAN)
    assert digest(replace(PLAN, fine_tuning=replace(SHORT, rate=2e-3))) != digest(PLAN)


def test_training_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    build(tmp_path, PLAN, progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_the_average_is_the_mean_of_each_tensor() -> None:
    states = [{"a": torch.tensor([1.0, 2.0])}, {"a": torch.tensor([3.0, 6.0])}]
    assert torch.equal(network.average(states)["a"], torch.tensor([2.0, 4.0]))


def test_accuracy_is_the_share_of_correct_predictions(zoo: Zoo) -> None:
    loaded = network.load(zoo.base, zoo.tasks[0].checkpoint)
    data = read(zoo.tasks[0].test)
    head = network.zero_shot_head(loaded, zoo.tasks[0].kind)
    nearest = network.answers(loaded, head, torch.from_numpy(data.images)).argmax(dim=-1).numpy()
    assert network.accuracy(loaded, head, data) == pytest.approx((nearest == data.labels).mean())
    assert torch.allclose(head.norm(dim=-1), torch.ones(len(head)))
