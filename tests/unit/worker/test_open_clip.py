"""The open_clip networks that the worker builds."""

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file

from registry.architecture import Architecture
from registry.errors import ArchitectureMismatch
from registry.task import Task
from worker.architectures.open_clip import OpenClipNetwork
from worker.torch_tensors import Weights

_CONFIG: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"layers": 1, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
_CPU = torch.device("cpu")


def _model(**more: Any) -> CLIP:
    torch.manual_seed(0)
    return CLIP(**json.loads(json.dumps(_CONFIG)), **more).eval()


@pytest.fixture
def base(tmp_path: Path) -> Weights:
    save_file({name: tensor.contiguous() for name, tensor in _model().state_dict().items()}, tmp_path / "b.safetensors")
    return Weights(tmp_path / "b.safetensors")


@pytest.mark.parametrize("quick_gelu", [False, True])
def test_the_tower_embeds_images_as_open_clip_does_with_its_activation(base: Weights, quick_gelu: bool) -> None:
    architecture = Architecture(open_clip=_CONFIG | {"quick_gelu": quick_gelu})
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        expected = _model(quick_gelu=quick_gelu).encode_image(images)
        other = _model(quick_gelu=not quick_gelu).encode_image(images)
        embedded = OpenClipNetwork(architecture, base, _CPU).tower(images)
    assert torch.equal(embedded, expected)
    assert not torch.allclose(embedded, other, atol=1e-4)


def test_prompts_are_encoded_in_batches_and_stop_on_request(base: Weights) -> None:
    network = OpenClipNetwork(Architecture(open_clip=_CONFIG), base, _CPU)
    names = tuple(f"thing {number}" for number in range(151))
    templates = ("a photo of a {}.", "a drawing of a {}.", "{}")
    batches: list[None] = []
    head = network.zero_shot_head(Task(name="t", classnames=names, templates=templates), lambda: batches.append(None))
    assert len(batches) == 2
    few = network.zero_shot_head(Task(name="t", classnames=names[85:87], templates=templates))
    torch.testing.assert_close(head[85:87], few)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        network.zero_shot_head(Task(name="t", classnames=names, templates=templates), stop)


def test_a_head_is_the_mean_of_the_prompts_embeddings(base: Weights) -> None:
    network = OpenClipNetwork(Architecture(open_clip=_CONFIG), base, _CPU)
    task = Task(name="t", classnames=("cat", "dog"), templates=("a photo of a {}.", "a drawing of a {}."))
    head = network.zero_shot_head(task)
    model, tokenizer = _model(), open_clip.tokenizer.SimpleTokenizer(context_length=12)
    for row, classname in zip(head, task.classnames, strict=True):
        with torch.no_grad():
            texts = tokenizer([f"a photo of a {classname}.", f"a drawing of a {classname}."])
            mean = torch.nn.functional.normalize(model.encode_text(texts), dim=-1).mean(dim=0)
        torch.testing.assert_close(row, mean / mean.norm())
    torch.testing.assert_close(head.norm(dim=-1), torch.ones(2))


def test_the_scope_is_the_towers_parameters_and_can_be_replaced(base: Weights) -> None:
    network = OpenClipNetwork(Architecture(open_clip=_CONFIG), base, _CPU)
    assert {f"visual.{name}" for name in network.scope} == {name for name in base.names if name.startswith("visual.")}
    parameters = {name: tensor + 1 for name, tensor in network.parameters_of(base).items()}
    network.set_parameters(parameters)
    assert torch.equal(dict(network.tower.named_parameters())["proj"].detach(), parameters["proj"])


def test_a_base_of_another_architecture_is_refused(base: Weights) -> None:
    deeper = json.loads(json.dumps(_CONFIG))
    deeper["vision_cfg"]["layers"] = 2
    with pytest.raises(ArchitectureMismatch, match="resblocks"):
        OpenClipNetwork(Architecture(open_clip=deeper), base, _CPU)


def test_the_logit_scale_is_the_base_s(base: Weights) -> None:
    network = OpenClipNetwork(Architecture(open_clip=_CONFIG), base, _CPU)
    assert network.logit_scale == pytest.approx(float(_model().logit_scale.detach().exp()))
