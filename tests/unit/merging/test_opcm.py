"""OPCM: against the published code's results, and against its definition with full singular bases."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.opcm import Opcm
from merging.svd import Subspace, leading_rank
from tests.unit.merging.golden import FOLDER, part
from tests.unit.merging.streams import DTYPES, State, draw, nearby, rounded, run


def _one_by_one(base: State, models: list[State], folder: Path, alpha: float = 0.5) -> tuple[list[State], list[Opcm]]:
    """The merged weights and the method after each checkpoint; only numbers go from one to the next."""
    heads, methods = [base], [Opcm(alpha, folder)]
    for model in models:
        last = methods[-1]
        method = Opcm(alpha, folder, last.count, last.mean_norm, last.scale)
        heads.append(run(method, base, heads[-1], [model])[0])
        methods.append(method)
    assert list(folder.iterdir()) == [], "the scratch file has no name"
    return heads[1:], methods[1:]


def cleared(merged: Tensor, tau: Tensor, alpha: float) -> Tensor:
    """τ' without its part in the leading subspace of τ_m and on its diagonal, by full bases in float64."""
    left, values, right = torch.linalg.svd(merged, full_matrices=True)
    rank = int(torch.nonzero(values.cumsum(0) / values.sum() > alpha)[0])
    inside = left.T @ tau @ right.T
    inside.diagonal().zero_()
    inside[:rank, :rank] = 0
    return left @ inside @ right


def test_it_gives_the_published_codes_results(tmp_path: Path) -> None:
    tensors = load_file(FOLDER / "opcm.safetensors")
    facts = json.loads((FOLDER / "opcm.json").read_text())
    logged = {(name, step): value for name, value, step in facts["logged"]}

    def network(prefix: str) -> State:
        return {name: tensor for name, tensor in part(tensors, prefix).items() if name != "proj"}

    models = [network(f"task_{index}/") for index in range(3)]
    heads, methods = _one_by_one(network("pretrained/"), models, tmp_path, facts["alpha"])
    for number in (2, 3):
        for name, expected in network(f"expected_{number}/").items():
            # The published code never adds the new task's class embedding, which also moves the norms a little.
            if name != "class_embedding":
                torch.testing.assert_close(heads[number - 1][name], expected, rtol=0, atol=5e-6)
    for step, method in enumerate(methods):
        assert method.mean_norm == pytest.approx(logged["model/avg_task_vector_norm", step], rel=1e-5)
        assert method.scale == pytest.approx(logged["model/lambda_t", step], rel=1e-4)


@pytest.mark.parametrize("shape", [(24, 24), (20, 50), (50, 20)], ids=["square", "wide", "tall"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
def test_it_equals_the_definition_with_full_bases(
    shape: tuple[int, int], dtype: torch.dtype, alpha: float, tmp_path: Path
) -> None:
    base = {"layer.weight": draw(1, *shape, dtype=dtype, spread=0.5), "layer.bias": draw(2, shape[0], dtype=dtype)}
    one, two = ({name: nearby(tensor, seed) for name, tensor in base.items()} for seed in (3, 40))
    heads, _ = _one_by_one(base, [one, two], tmp_path, alpha)
    assert all(torch.equal(heads[0][name], one[name]) for name in base), "the first is taken as it is"

    start, first, second = ({name: value.double() for name, value in state.items()} for state in (base, one, two))
    merged = {name: first[name] - start[name] for name in start}
    tau = {name: second[name] - start[name] for name in start}
    new = dict(merged)
    new["layer.weight"] = merged["layer.weight"] + cleared(merged["layer.weight"], tau["layer.weight"], alpha)
    new["layer.bias"] = merged["layer.bias"] + tau["layer.bias"]
    norms = [_norm(merged), _norm(tau)]
    scale = _norm(new) / (sum(norms) / 2)
    for name, tensor in heads[1].items():
        expected = rounded(start[name] + new[name] / scale, dtype)
        limit = 1e-6 if dtype is torch.float32 else torch.finfo(dtype).eps
        torch.testing.assert_close(tensor.double(), expected.double(), rtol=limit, atol=limit * 1e-2)
        if dtype is not torch.float32:
            assert float((tensor != expected).double().mean()) < 0.01, "only sums that lie beside a middle may differ"


def _norm(state: State) -> float:
    return math.sqrt(sum(float(value.double().square().sum()) for value in state.values()))


def _projected(merged: Tensor, tau: Tensor) -> Tensor:
    zero, result = np.zeros(tau.shape), np.empty(tau.shape)
    subspace = Subspace(zero, merged.numpy(), 0.5)
    for columns, block in subspace.project(zero, tau.numpy()):
        subspace.put(result, columns, block)
    return torch.from_numpy(result)


@pytest.mark.parametrize("shape", [(60, 200), (200, 60)])
def test_the_projection_of_large_layers_is_exact_to_rounding(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("merging.svd.BLOCK", 1000)  # many blocks
    # Singular values over four orders of magnitude, as fine-tuning leaves them.
    left, _, right = torch.linalg.svd(draw(1, *shape, dtype=torch.float64, spread=0.1), full_matrices=False)
    merged = left @ torch.diag(torch.logspace(0, -4, 60, dtype=torch.float64)) @ right
    tau = draw(2, *shape, dtype=torch.float64, spread=0.5)
    result = _projected(merged, tau)
    torch.testing.assert_close(result, cleared(merged, tau, 0.5), rtol=0, atol=1e-6 * float(tau.abs().max()))


def test_directions_that_the_merged_vector_lacks_are_left_alone() -> None:
    left, right = draw(1, 30, 2, dtype=torch.float64, spread=0.1), draw(2, 2, 40, dtype=torch.float64, spread=0.1)
    merged, tau = left @ right, draw(3, 30, 40, dtype=torch.float64, spread=0.5)
    result = _projected(merged, tau)
    u, s, v = torch.linalg.svd(merged, full_matrices=False)
    assert int((s > 1e-6 * s[0]).sum()) == 2
    inside = (u.T @ tau @ v.T)[:2, :2]
    middle = torch.diag(inside.diagonal())
    rank = leading_rank(s.flip(0).numpy(), 0.5)
    middle[:rank, :rank] = inside[:rank, :rank]
    torch.testing.assert_close(result, tau - u[:, :2] @ middle @ v[:2])


def test_fused_query_key_and_value_are_three_layers(tmp_path: Path) -> None:
    rows = {name: draw(seed, 8, 8, spread=0.5) for seed, name in enumerate("qkv")}
    base = {f"{name}.weight": tensor for name, tensor in rows.items()}
    models = [{name: nearby(tensor, 9 + 20 * n + i) for i, (name, tensor) in enumerate(base.items())} for n in range(2)]
    apart = _one_by_one(base, models, tmp_path)[0][-1]
    fused = [{"attn.in_proj_weight": torch.cat(list(state.values()))} for state in (base, *models)]
    together = _one_by_one(fused[0], fused[1:], tmp_path)[0][-1]
    torch.testing.assert_close(together["attn.in_proj_weight"], torch.cat(list(apart.values())), rtol=0, atol=1e-6)


def test_copies_of_one_checkpoint_of_linear_layers_are_it(tmp_path: Path) -> None:
    base = {"a.weight": draw(1, 16, 30, spread=0.5), "b.weight": draw(2, 30, 16, spread=0.5)}
    model = {name: nearby(tensor, 5) for name, tensor in base.items()}
    heads, methods = _one_by_one(base, [model] * 3, tmp_path)
    for name, tensor in heads[-1].items():
        torch.testing.assert_close(tensor, model[name], rtol=0, atol=1e-5)
    assert methods[-1].scale == pytest.approx(1.0, abs=1e-5)


def test_a_checkpoint_that_is_the_base_is_harmless(tmp_path: Path) -> None:
    base = {"a.weight": draw(1, 6, 9, spread=0.5), "steps": torch.tensor(3)}
    heads, methods = _one_by_one(base, [base, base], tmp_path)
    assert torch.equal(heads[-1]["a.weight"], base["a.weight"])
    assert methods[-1].mean_norm == 0.0


def test_a_missing_tensor_keeps_the_merged_value(tmp_path: Path) -> None:
    base = {name: draw(seed, 6, 9, spread=0.5) for seed, name in enumerate(("a.weight", "b.weight"))}
    model = {name: nearby(tensor, 5) for name, tensor in base.items()}
    heads, _ = _one_by_one(base, [model, {"a.weight": nearby(base["a.weight"], 8)}], tmp_path)
    assert torch.equal(heads[1]["b.weight"], model["b.weight"])
