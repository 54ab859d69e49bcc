"""Merging from sums: time beside bare decompositions, memory, and how exact any order is.

`python -m benchmarks.methods [--quick] [--methods aswudi ...] [--rounds N] [--device cpu|cuda]`

The matrices are those of one block of ViT-B/32 and of a language model of half a billion parameters; each merge adds a
third checkpoint to the state of two, through the worker's planner.
"""

import argparse
import dataclasses
import json
import multiprocessing
import os
import sys
from typing import Any, Final

import torch

from benchmarks import method_networks as networks
from benchmarks.method_runs import Measured, differences, measure_all, state_over_weights

METHODS: Final = ("wudi", "swudi", "aswudi", "actmat", "tact", "dop")


def main() -> None:
    """Print two tables, then the metrics as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="matrices of a quarter of the width, one round, two methods"
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, help="all; quick: aswudi and dop")
    parser.add_argument("--networks", nargs="+", choices=networks.NAMES, default=list(networks.NAMES))
    parser.add_argument("--rounds", type=int, default=None, help="of which the median time counts (3, quick: 1)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    arguments.methods = arguments.methods or (["aswudi", "dop"] if arguments.quick else list(METHODS))
    shrink = 4 if arguments.quick else 1
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    measured = []
    for network in arguments.networks:
        _say(f"matrices of {network}")
        measured += _apart(network, shrink, arguments.methods, rounds, arguments.device)
    _say("other orders")
    exact = {method: differences(method) for method in arguments.methods}
    ratios = {method: state_over_weights(method) for method in arguments.methods}
    _print(measured, exact, ratios)
    print(json.dumps(_metrics(measured, exact, ratios)))


def _apart(network: str, shrink: int, methods: list[str], rounds: int, device: str) -> list[Measured]:
    """Measure in a process of its own, on one thread: threads that wait for a busy core would count as work."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure_all, (network, shrink, methods, rounds, device))


def _print(measured: list[Measured], exact: dict[str, tuple[float, float]], ratios: dict[str, float]) -> None:
    print(f"{'network':12}{'method':10}{'ours s':>10}{'bare s':>10}{'ratio':>8}{'peak MB':>10}{'over moments':>14}")
    for item in measured:
        print(
            f"{item.network:12}{item.method:10}{item.ours:10.2f}{item.bare:10.2f}{item.ours / item.bare:8.2f}"
            f"{item.peak_mb:10.0f}{item.peak_over_moments:14.2f}"
        )
    print()
    print(f"{'method':10}{'state over weights':>20}{'another order':>16}{'all at once':>14}")
    for method, (order, joint) in exact.items():
        print(f"{method:10}{ratios[method]:20.2f}{order:16.1e}{joint:14.1e}")


def _metrics(
    measured: list[Measured], exact: dict[str, tuple[float, float]], ratios: dict[str, float]
) -> dict[str, Any]:
    by_network = {item.network: item for item in measured if item.method == "aswudi"}
    return {
        "aswudi_over_lapack": max((item.ours / item.bare for item in by_network.values()), default=None),
        "state_over_weights": ratios.get("aswudi"),
        "peak_mb": max(item.peak_mb for item in measured),
        "peak_over_moments": max(item.peak_over_moments for item in measured),
        "order_max_abs_diff": max(order for order, _ in exact.values()),
        "joint_max_abs_diff": max(joint for _, joint in exact.values()),
        "device": measured[0].device,
        "runs": [dataclasses.asdict(item) for item in measured],
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
