"""`python -m merging`: compile the loops of the data-free methods, so that no merge has to wait for it."""

import sys

from merging.kernels import api as kernels


def main() -> None:
    """Nothing where it has been done: a second or two for each loop. Exit status 1 where the code cannot be kept."""
    if not all(loop.kept for loop in kernels.LOOPS):
        print("Compiling the merging loops: once, about fifteen seconds.", file=sys.stderr, flush=True)
        if not kernels.prepare():
            sys.exit(1)


if __name__ == "__main__":
    main()
