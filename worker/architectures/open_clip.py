"""open_clip networks: the visual tower whose parameters are merged, and the text tower that makes zero-shot heads."""

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional

from registry.architecture import Architecture
from registry.errors import ArchitectureMismatch
from registry.task import Task
from worker.torch_tensors import Weights

VISUAL = "visual."
_PROMPTS = 256
"""Prompts that the text tower encodes at once."""
_NOT_LOADED = "open_clip cannot load the base into this architecture. Send the full open_clip state dict of this model."


class OpenClipNetwork:
    """The base's network in float32 and eval mode, on one device.

    tower: images [n, 3, H, W], normalised, to embeddings [n, embed_dim], not unit-norm.
    logit_scale: s = exp(logit_scale) of the base. scope: names of the tower's parameters, without `visual.`.
    Raises UnknownArchitecture for a config that is not on the allow-list, ArchitectureMismatch when the base's tensors
    are not those of the network.
    """

    def __init__(self, architecture: Architecture, base: Weights, device: torch.device) -> None:
        architecture.check_buildable()
        _check_on_meta(architecture, base)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "open_clip_config.json").write_text(json.dumps(architecture.open_clip_config))
            source = f"local-dir:{folder}"
            self._model: nn.Module = open_clip.create_model(source, load_weights=False, precision="fp32")
            self._tokenizer = open_clip.get_tokenizer(source)
        self._load({name: base[name] for name in base.names})
        self._model.eval().requires_grad_(requires_grad=False).to(device)
        self._device = device
        self._embed_dim = architecture.embed_dim
        tower = self._model.visual
        assert isinstance(tower, nn.Module)  # noqa: S101  every open_clip model has one
        self.tower = tower
        self.scope = tuple(name for name, item in tower.named_parameters() if item.is_floating_point())
        scale = self._model.logit_scale
        assert isinstance(scale, Tensor)  # noqa: S101  every open_clip model has one
        self.logit_scale = float(scale.detach().double().exp())

    def _load(self, state: Mapping[str, Tensor]) -> None:
        try:
            self._model.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True)
        except RuntimeError as error:
            raise ArchitectureMismatch(_NOT_LOADED) from error

    def parameters_of(self, weights: Weights) -> dict[str, Tensor]:
        """The merge scope of a checkpoint, float32 on the network's device, by the tower's parameter names."""
        return {name: weights[VISUAL + name].to(self._device, torch.float32) for name in self.scope}

    @torch.no_grad()
    def set_parameters(self, parameters: Mapping[str, Tensor]) -> None:
        """Put a merge scope into the tower."""
        for name, parameter in self.tower.named_parameters():
            if name in parameters:
                parameter.copy_(parameters[name])

    @torch.no_grad()
    def zero_shot_head(self, task: Task, on_batch: Callable[[], None] = lambda: None) -> Tensor:
        """Unit-norm text embeddings [classes, embed_dim], float32: each the mean over the task's templates.

        on_batch: called before each batch of prompts; what it raises ends the encoding.

        Source: CLIP, arXiv 2103.00020, section 3.1.4.
        """
        prompts = [template.replace("{}", name) for name in task.classnames for template in task.templates]
        rows = torch.arange(len(task.classnames), device=self._device).repeat_interleave(len(task.templates))
        sums = torch.zeros(len(task.classnames), self._embed_dim, device=self._device)
        for start in range(0, len(prompts), _PROMPTS):
            on_batch()
            span = slice(start, start + _PROMPTS)
            features = self._model.encode_text(  # type: ignore[operator]
                self._tokenizer(prompts[span]).to(self._device), normalize=True
            )
            sums.index_add_(0, rows[span], features.float())
        return functional.normalize(sums, dim=-1)


def _check_on_meta(architecture: Architecture, base: Weights) -> None:
    """Build the network on the meta device, where nothing is allocated, and compare its tensors with the base's.

    Raises ArchitectureMismatch with the first differences.
    """
    config = architecture.model_config_resolved
    try:
        with torch.device("meta"), warnings.catch_warnings(action="ignore"):
            kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
            model = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    except Exception as error:
        # Whatever a constructor raises says that it does not take the config; its text may quote what was sent.
        raise ArchitectureMismatch("open_clip cannot build this architecture. Check its model config.") from error
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    actual = {name: tuple(base[name].shape) for name in base.names}
    differing = sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))
    differing = [name for name in differing if {expected.get(name), actual.get(name)} != {(), (1,)}]
    if differing:
        listed = "; ".join(
            f"{name[:100]}: {_shape(actual.get(name))}, expected {_shape(expected.get(name))}" for name in differing[:5]
        )
        raise ArchitectureMismatch(f"The base is not of this architecture: {listed}. {_NOT_LOADED}")


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else str(list(shape))
