"""Records, state store and blob store, shared by the gateway and the workers."""

import subprocess
from functools import lru_cache
from pathlib import Path

CODE_VERSION = "0.2.0"
"""The release of odem, recorded in every version's provenance."""

_PACKAGE = Path(__file__).parent
_GIT_SECONDS = 10.0


@lru_cache(maxsize=1)
def code_commit() -> str:
    """The commit that this code is from, recorded in every version's provenance.

    It is read from the file COMMIT, which the images contain, or from the git clone that the code runs in, with
    "-dirty" at its end if tracked files were changed. "unknown" without either.
    """
    try:
        return (_PACKAGE / "COMMIT").read_text("utf-8").strip() or "unknown"
    except OSError:
        return _commit_of_clone(_PACKAGE.parent)


def _commit_of_clone(root: Path) -> str:
    if not (root / ".git").exists():
        return "unknown"
    command = ("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
