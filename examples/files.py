"""`python -m examples.files FOLDER`: example files for the quick start, made in about a minute.

Trains a small open_clip CLIP on two kinds of drawn image, then fine-tunes its visual tower on each kind. Writes the
base, the two checkpoints, calibration and test samples of each task, and the JSON documents that the README sends.
The model is a quick-start fixture, small enough for any CPU; its accuracies say nothing about real models.

Needs only the packages that `make run` installs.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from examples.pictures import TASKS, Pictures, Task
from examples.small_clip import CONFIG, PREPROCESS, normalized, zero_shot_head

_SEED = 0


def pretrain(steps: int = 220) -> CLIP:
    """A CLIP trained to match plain pictures of all tasks with their prompts.

    Source: CLIP, arXiv 2103.00020, section 2.3; images to texts only, for many images share a prompt.
    """
    torch.manual_seed(_SEED)
    model = CLIP(**CONFIG)
    model.token_embedding.requires_grad_(requires_grad=False)
    tasks = [(task, task.draw(600, seed=_SEED, plain=True)) for task in TASKS]

    def loss(step: int) -> Tensor:
        task, pictures = tasks[step % len(tasks)]
        return _cross_entropy(model, zero_shot_head(model, task), pictures)

    _train(model, [p for p in model.parameters() if p.requires_grad], loss, steps, rate=2e-3)
    return model.eval()


def fine_tune(model: CLIP, task: Task, steps: int = 120) -> None:
    """Fine-tune the visual tower in place on one task, against its fixed zero-shot head."""
    with torch.no_grad():
        head = zero_shot_head(model, task)
    pictures = task.draw(1500, seed=_SEED + 1)
    _train(model, list(model.visual.parameters()), lambda _: _cross_entropy(model, head, pictures), steps, rate=1e-3)
    model.eval()


def _cross_entropy(model: CLIP, head: Tensor, pictures: Pictures) -> Tensor:
    """Cross-entropy of a random batch of 96 against a head [classes, embed_dim]."""
    batch = torch.randint(len(pictures.labels), (96,))
    features = model.encode_image(normalized(pictures.images[batch]), normalize=True)
    return functional.cross_entropy(model.logit_scale.exp() * features @ head.T, pictures.labels[batch])


def _train(model: CLIP, parameters: list[Tensor], loss: Callable[[int], Tensor], steps: int, *, rate: float) -> None:
    model.train()
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        loss(step).backward()
        optimizer.step()
        schedule.step()


def _save(tensors: dict[str, Tensor], file: Path) -> None:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, file, {"format": "pt"})
    print(f"{file}  {file.stat().st_size:,} bytes", flush=True)


def _write_json(document: dict[str, Any], file: Path) -> None:
    file.write_text(json.dumps(document, indent=1) + "\n")


def main() -> None:
    """Train the models and write the files."""
    parser = argparse.ArgumentParser(prog="python -m examples.files", description=__doc__)
    parser.add_argument("folder", type=Path, help="output folder; created if missing")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    model = pretrain()
    base = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _save(base, folder / "base.safetensors")
    architecture = {"open_clip": CONFIG, "preprocess": PREPROCESS}
    lineage = {"name": "default", "architecture": architecture, "base": "BASE_DIGEST", "recipe": {"method": "ode"}}
    _write_json(lineage, folder / "lineage.json")
    for task in TASKS:
        model.load_state_dict(base)
        fine_tune(model, task)
        visual = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("visual.")}
        _save(visual, folder / f"{task.name}.safetensors")
        _save(task.draw(256, seed=_SEED + 2).tensors(), folder / f"{task.name}.calibration.safetensors")
        _save(task.draw(500, seed=_SEED + 3).tensors(), folder / f"{task.name}.test.safetensors")
        document = {"name": task.name, "classnames": task.classnames, "templates": task.templates}
        _write_json({"task": document, "labels": {"source": "examples.files"}}, folder / f"{task.name}.merge.json")


if __name__ == "__main__":
    main()
