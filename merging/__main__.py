"""`python -m merging`: compile the loops of the data-free methods into numba's cache, so that no merge waits for it."""

from merging.kernels import api as kernels


def main() -> None:
    """Load or compile all loops: about fifteen seconds the first time, one second later."""
    kernels.prepare()


if __name__ == "__main__":
    main()
