"""Versions side by side: closed forms through the real gateway, and memory that does not grow with the files."""

import json
import math
import secrets
import struct
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from benchmarks.harness.gateway import Gateway
from registry.base_record import now
from registry.task import Task
from registry.version import Version
from tests.integration.ledger.conftest import Ledger


def _versions(books: Ledger, *files: bytes, **more: Any) -> str:
    """A lineage whose versions have these weights."""
    from registry.lineage import Lineage
    from registry.recipe import AverageRecipe

    name = f"diff-{secrets.token_hex(4)}"
    digests = [books.put(data) for data in files]
    lineage = Lineage(name=name, base=digests[0], recipe=AverageRecipe(), created_at=now())
    base = Version(lineage=name, number=0, weights=digests[0], size=len(files[0]), created_at=now())
    books.state.lineages.create(lineage, base)
    for number, digest in enumerate(digests[1:], 1):
        made = base.model_copy(update={"number": number, "weights": digest} | more)
        assert books.state.versions.append(made, 0, secrets.token_hex(8)) == number
    return name


def _diff(gateway: Gateway, name: str, a: int = 0, b: int = 1) -> Any:
    response = gateway.http.get(f"/models/{name}@{a}/diff/{name}@{b}")
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    "dtype",
    ["float32", "float16", "bfloat16", "float64", "int8", "int64", "uint8", "int32", "float8_e4m3fn", "float8_e5m2"],
)
def test_every_dtype_is_measured_right(gateway: Gateway, books: Ledger, dtype: str) -> None:
    a = torch.tensor([3.0, 4.0, 0.0, 0.0]).to(getattr(torch, dtype))
    b = torch.tensor([3.0, 4.0, 12.0, 0.0]).to(getattr(torch, dtype))
    result = _diff(gateway, _versions(books, save({"w": a, "s": a.clone()}), save({"w": b, "s": a})))
    (tensor,) = result["tensors"]
    assert (tensor["name"], result["unchanged"]) == ("w", 1)
    expected = {"l2": 12.0, "relative": 12 / 5, "max_abs": 12.0, "cosine": 5 / 13, "not_finite": 0}
    assert tensor["change"] == pytest.approx(expected)
    assert result["total"]["l2"] == pytest.approx(12.0)
    assert result["total"]["relative"] == pytest.approx(12 / math.sqrt(50))


def test_it_agrees_with_torch_on_many_pieces(gateway: Gateway, books: Ledger) -> None:
    torch.manual_seed(0)
    a = torch.randn(3, 700_001).to(torch.bfloat16)
    b = (a.float() + 0.01 * torch.randn_like(a.float())).to(torch.bfloat16)
    (tensor,) = _diff(gateway, _versions(books, save({"w": a}), save({"w": b})))["tensors"]
    x, y = a.double().flatten(), b.double().flatten()
    assert tensor["change"]["l2"] == pytest.approx(float((y - x).norm()), rel=1e-9)
    assert tensor["change"]["max_abs"] == float((y - x).abs().max())
    assert tensor["change"]["cosine"] == pytest.approx(float(torch.nn.functional.cosine_similarity(x, y, 0)), rel=1e-9)


def test_added_removed_and_reshaped_tensors_are_reported(gateway: Gateway, books: Ledger) -> None:
    one = save({"kept": torch.zeros(2), "gone": torch.zeros(2), "shape": torch.zeros(2), "cast": torch.ones(2)})
    other = save({"kept": torch.zeros(2), "new": torch.zeros(2), "shape": torch.zeros(3), "cast": torch.ones(2).half()})
    result = _diff(gateway, _versions(books, one, other))
    reported = {item["name"]: (item["a"], item["b"], item["change"]) for item in result["tensors"]}
    assert set(reported) == {"gone", "new", "shape", "cast"}
    assert reported["gone"][1:] == (None, None)
    assert (reported["new"][0], reported["new"][1]["shape"]) == (None, [2])
    assert (reported["shape"][0]["shape"], reported["shape"][1]["shape"], reported["shape"][2]) == ([2], [3], None)
    assert (reported["cast"][1]["dtype"], reported["cast"][2]["l2"]) == ("F16", 0.0)
    assert result["unchanged"] == 1


def test_values_that_are_not_finite_are_counted_and_excluded(gateway: Gateway, books: Ledger) -> None:
    a = torch.tensor([1.0, math.nan, math.inf, 0.0])
    b = torch.tensor([2.0, 1.0, math.inf, 0.0])
    (tensor,) = _diff(gateway, _versions(books, save({"w": a}), save({"w": b})))["tensors"]
    assert (tensor["change"]["l2"], tensor["change"]["not_finite"]) == (1.0, 2)


def test_zeros_have_no_direction(gateway: Gateway, books: Ledger) -> None:
    (tensor,) = _diff(gateway, _versions(books, save({"w": torch.zeros(2)}), save({"w": torch.ones(2)})))["tensors"]
    assert (tensor["change"]["relative"], tensor["change"]["cosine"]) == (None, None)


def test_tasks_and_scores_stand_side_by_side(gateway: Gateway, books: Ledger) -> None:
    report = {"tasks": {"t": {"after": {"loss": 0.5, "accuracy": 0.9}}}}
    weights = save({"w": torch.ones(1)})
    name = _versions(books, weights, weights, tasks=(Task(name="t", utility=2.0),), report=report)
    assert _diff(gateway, name)["tasks"] == [
        {"name": "t", "a": None, "b": {"utility": 2.0, "loss": 0.5, "accuracy": 0.9}}
    ]
    assert _diff(gateway, name)["tensors"] == []


def test_versions_that_are_not_there_or_were_retired_are_refused(gateway: Gateway, books: Ledger) -> None:
    weights = save({"w": torch.ones(1)})
    name = _versions(books, *[weights] * 4)
    assert gateway.http.put(f"/lineages/{name}/retention", json={"keep_last": 1}).status_code == 200
    gateway.http.post(f"/lineages/{name}/retention/apply")
    for pair, status, kind in (
        (f"{name}@1/diff/{name}@3", 410, "version-retired"),
        (f"{name}@3/diff/{name}@2", 410, "version-retired"),
        (f"{name}@3/diff/{name}@9", 404, "version-not-found"),
        (f"none@0/diff/{name}@3", 404, "version-not-found"),
    ):
        response = gateway.http.get(f"/models/{pair}")
        assert (response.status_code, response.json()["type"]) == (status, f"/problems/{kind}")


def test_a_diff_without_comparable_tensors_reports_that(own_gateway: Callable[..., Gateway], books: Ledger) -> None:
    stack = own_gateway(ODEM_MAX_COMPARISONS="0")
    name = _versions(books, save({"w": torch.ones(1)}))
    response = stack.http.get(f"/models/{name}@0/diff/{name}@0")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/overloaded")


def _large(value: float) -> bytes:
    size = 150 << 20
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + np.full(size // 4, value, "<f4").tobytes()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_files(own_gateway: Callable[..., Gateway], books: Ledger) -> None:
    stack = own_gateway()
    small = _versions(books, save({"w": torch.zeros(2_000_000)}), save({"w": torch.ones(2_000_000)}))
    _diff(stack, small)
    name = _versions(books, _large(1.0), _large(2.0))
    before, limit = stack.process.memory_info().rss, 0
    worker = threading.Thread(target=_diff, args=(stack, name))
    worker.start()
    while worker.is_alive():
        limit = max(limit, stack.process.memory_info().rss)
        worker.join(0.02)
    print(f"two files of 150 MiB: {(limit - before) / 2**20:.1f} MiB more")
    assert limit - before < 40 * 2**20
    assert _diff(stack, name)["total"]["max_abs"] == 1.0
