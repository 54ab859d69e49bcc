"""`python -m examples.serving_loop`: serve a version by its name, and reload the model when the name moves.

A HEAD request with the ETag of the loaded weights checks for changes; a 304 costs almost nothing. Follow an alias or
`latest`.
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
    """Yield a folder with the version that `reference` names, now and after each change. Never ends."""
    etag = ""
    while True:
        try:
            headers = {"If-None-Match": etag} if etag else {}
            response = odem.api.get_httpx_client().head(f"/models/{reference}/weights", headers=headers)
            if response.status_code != 304:
                version = odem.version(reference)
                yield odem.pull(version, folder / str(version.number)).weights.parent
                etag = f'"{version.weights}"'
        except OdemError as error:  # keep serving the loaded model
            print(f"check failed: {error}", file=sys.stderr, flush=True)
        time.sleep(seconds)


def load(folder: Path) -> Any:
    """Load the model in a folder."""
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return model.eval()


def main() -> None:
    """Load the model, and reload it after each change."""
    parser = argparse.ArgumentParser(prog="python -m examples.serving_loop", description=__doc__)
    parser.add_argument("reference", nargs="?", default="latest", help="name@latest, name@production")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--folder", type=Path, default=Path("serving"))
    parser.add_argument("--seconds", type=float, default=5.0, help="between two checks")
    options = parser.parse_args()
    with Odem(options.url) as odem:
        for folder in follow(odem, options.reference, options.folder, options.seconds):
            model = load(folder)  # pass it to the threads that serve requests here
            print(f"serving {folder} ({sum(p.numel() for p in model.parameters()):,} parameters)", flush=True)


if __name__ == "__main__":
    main()
