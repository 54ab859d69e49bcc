"""`python -m examples.compare EXAMPLE MODEL`: accuracy of a downloaded model beside the base's and the checkpoints'.

EXAMPLE is the folder that `examples.files` made; MODEL is a folder that open_clip loads with `local-dir:`. The test
samples are ones that neither training nor merging has seen.
"""

import argparse
from pathlib import Path

import open_clip
from open_clip.model import CLIP
from safetensors.torch import load_file

from examples.pictures import TASKS, Pictures
from examples.small_clip import CONFIG, accuracy


def main() -> None:
    """Load the models, measure them and print a table."""
    parser = argparse.ArgumentParser(prog="python -m examples.compare", description=__doc__)
    parser.add_argument("example", type=Path, help="folder made by examples.files")
    parser.add_argument("model", type=Path, help="folder with open_clip_model.safetensors and open_clip_config.json")
    options = parser.parse_args()
    base = CLIP(**CONFIG)
    base.load_state_dict(load_file(options.example / "base.safetensors"))
    models = {"base": base.eval()}
    for task in TASKS:
        models[f"{task.name} checkpoint"] = tuned = CLIP(**CONFIG)
        tuned.load_state_dict(base.state_dict() | load_file(options.example / f"{task.name}.safetensors"))
        tuned.eval()
    merged, _, _ = open_clip.create_model_and_transforms(f"local-dir:{options.model}")
    models[str(options.model)] = merged.eval()
    print("accuracy".ljust(20), *(task.name.rjust(8) for task in TASKS))
    tests = {task: Pictures(**load_file(options.example / f"{task.name}.test.safetensors")) for task in TASKS}
    for name, model in models.items():
        print(name.ljust(20), *(f"{accuracy(model, task, pictures):8.1%}" for task, pictures in tests.items()))


if __name__ == "__main__":
    main()
