"""`python -m examples.training_loop`: fine-tune a lineage's newest version, then merge the result.

The samples have the layout of a calibration file: safetensors with `images` uint8 [N, 3, H, W] and `labels` int64 [N].
To integrate odem into your own loop, copy the last lines: save, `odem.merge`, `odem.wait`.
"""

import argparse
import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import load_file, save_file

from odem_client import Odem


def train(folder: Path, images: torch.Tensor, labels: torch.Tensor, task: dict[str, list[str]], steps: int) -> Path:
    """Fine-tune the model in `folder` on a task's images; returns the checkpoint, the model's visual tower."""
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    config = json.loads((folder / "open_clip_config.json").read_text())["preprocess_cfg"]
    mean, std = (torch.tensor(config[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    prompts = [task["templates"][0].format(name) for name in task["classnames"]]
    with torch.no_grad():
        words = model.encode_text(open_clip.tokenize(prompts, model.context_length), normalize=True)
    optimizer = torch.optim.AdamW(model.visual.parameters(), lr=1e-4)
    for _ in range(steps):
        batch = torch.randint(len(labels), (32,))
        seen = model.encode_image((images[batch].float() / 255 - mean) / std, normalize=True)
        loss = torch.nn.functional.cross_entropy(100 * seen @ words.T, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    checkpoint = folder / "checkpoint.safetensors"
    state = {name: value.contiguous() for name, value in model.state_dict().items() if name.startswith("visual.")}
    save_file(state, checkpoint)
    return checkpoint


def main() -> None:
    """Pull, train, push."""
    parser = argparse.ArgumentParser(prog="python -m examples.training_loop", description=__doc__)
    parser.add_argument("samples", type=Path, help="safetensors with images and labels")
    parser.add_argument("task", type=Path, help="the task's document: name, classnames, templates")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--lineage", default="default")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path("training"))
    options = parser.parse_args()
    task = json.loads(options.task.read_text())
    samples = load_file(options.samples)
    with Odem(options.url) as odem:
        start = odem.pull(f"{options.lineage}@latest", options.folder)
        print(f"training from {start.reference}")
        checkpoint = train(options.folder, samples["images"], samples["labels"], task, options.steps)
        merge = odem.merge(checkpoint, task=task, calibration=options.samples, lineage=options.lineage)
        print(odem.wait(merge).version)


if __name__ == "__main__":
    main()
