"""`python -m examples.files FOLDER`: real files to send to the service, made in about a minute.

A small open_clip CLIP, two checkpoints fine-tuned from it and their calibration samples, and a lineage's document
whose `BASE_DIGEST` is to be replaced. Trained more briefly than the demo's models: enough to see a merge at work.
"""

import argparse
import json
import shutil
from pathlib import Path

from benchmarks import zoo
from benchmarks.zoo.training import Schedule

_PLAN = zoo.Plan(
    tasks=("digits", "stripes"),
    mixture=("digits", "stripes"),
    pretraining=Schedule(steps=60, batch=96, rate=2e-3),
    fine_tuning=Schedule(steps=60, batch=64, rate=1e-3),
    pretraining_size=400,
    styled_size=100,
    train_size=900,
)


def main() -> None:
    """Train what is not in the cache, then copy the files into the folder."""
    parser = argparse.ArgumentParser(prog="python -m examples.files", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to put the files; made when it is missing")
    parser.add_argument("--cache-dir", type=Path, default=Path(".cache/zoo"), help="trained models are kept here")
    arguments = parser.parse_args()
    made = zoo.build(arguments.cache_dir, _PLAN)
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    architecture = {"open_clip": made.model_config, "preprocess": made.preprocess}
    lineage = {"name": "default", "architecture": architecture, "base": "BASE_DIGEST", "recipe": {"method": "ode"}}
    (folder / "lineage.json").write_text(json.dumps(lineage, indent=1) + "\n")
    shutil.copy(made.base, folder / "base.safetensors")
    for task in made.tasks:
        shutil.copy(task.checkpoint, folder / f"{task.name}.safetensors")
        shutil.copy(task.calibration, folder / f"{task.name}.calibration.safetensors")
        document = {
            "task": {"name": task.name, "classnames": task.classnames, "templates": task.templates},
            "labels": {"made-by": "examples.files"},
        }
        (folder / f"{task.name}.merge.json").write_text(json.dumps(document, indent=1) + "\n")
    for file in sorted(folder.iterdir()):
        print(f"{file}  {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
