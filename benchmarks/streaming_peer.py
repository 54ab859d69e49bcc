"""mergekit, as its own command runs it, with the times of what follows its imports.

Run by a Python that has it: `PYTHON streaming_peer.py CONFIGURATION OUTPUT`.
"""

import json
import sys
import time
from pathlib import Path

from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions


def main() -> None:
    """Merge; the last line of standard output has the seconds inside."""
    configuration, output = sys.argv[1:]
    started, cpu = time.perf_counter(), time.process_time()
    document = json.loads(Path(configuration).read_text())
    run_merge(MergeConfiguration.model_validate(document), output, MergeOptions(copy_tokenizer=False))
    inside = {"inside_wall": time.perf_counter() - started, "inside_cpu": time.process_time() - cpu}
    print(f"\n{json.dumps(inside)}")


if __name__ == "__main__":
    main()
