"""`python -m examples.serving_loop`: serve what a version's name stands for, and load anew when that changes.

One HEAD with the ETag of what is loaded asks for news: 304 costs nothing. Follow `latest`, or better an alias.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip

from odem_client import Odem, OdemError


def follow(odem: Odem, reference: str, folder: Path, seconds: float) -> Iterator[Path]:
    """Folders with what `reference` stands for: now, and each time that it has changed. Without an end."""
    etag = ""
    while True:
        try:
            headers = {"If-None-Match": etag} if etag else {}
            response = odem.api.get_httpx_client().head(f"/models/{reference}/weights", headers=headers)
            if response.status_code != 304:
                version = odem.version(reference)
                yield odem.pull(version, folder / str(version.number)).weights.parent
                etag = f'"{version.weights}"'
        except OdemError as error:  # what is loaded goes on being served
            print(f"not asked: {error}", file=sys.stderr, flush=True)
        time.sleep(seconds)


def load(folder: Path) -> Any:
    """The model in a folder, ready to be used."""
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return model.eval()


def main() -> None:
    """Load, and load again."""
    parser = argparse.ArgumentParser(prog="python -m examples.serving_loop", description=__doc__)
    parser.add_argument("reference", nargs="?", default="latest", help="name@latest, name@production")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--folder", type=Path, default=Path("serving"))
    parser.add_argument("--seconds", type=float, default=5.0, help="between two looks")
    options = parser.parse_args()
    with Odem(options.url) as odem:
        for folder in follow(odem, options.reference, options.folder, options.seconds):
            model = load(folder)  # the place to hand it over to the threads that answer requests
            print(f"serving {folder} ({sum(p.numel() for p in model.parameters()):,} parameters)", flush=True)


if __name__ == "__main__":
    main()
