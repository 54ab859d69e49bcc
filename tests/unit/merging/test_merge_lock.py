"""Detection of checkpoints that were locked by random invertible pairs."""

import pytest
import torch
from torch import Tensor, nn

from merging.merge_lock import CheckpointLocked, locked_pairs, require_unlocked
from tests.unit.merging.streams import Held, State

WIDTH, HEADS = 48, 4
SIZE = WIDTH // HEADS


def attention(seed: int, layers: int = 2) -> nn.ModuleDict:
    torch.manual_seed(seed)
    blocks = {f"layer{n}": nn.MultiheadAttention(WIDTH, HEADS, batch_first=True) for n in range(layers)}
    network = nn.ModuleDict(blocks).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.1)
    return network


def fine_tuned(state: State, share: float, seed: int = 5) -> State:
    """Every tensor moved by this share of its norm."""
    generator = torch.Generator().manual_seed(seed)
    moved = {}
    for name, value in state.items():
        change = torch.randn(value.shape, generator=generator, dtype=value.dtype)
        moved[name] = value + share * change * value.norm() / change.norm()
    return moved


def lock(state: State, *, queries: bool = True, values: bool = True, rotation: bool = False) -> State:
    """Put a random invertible matrix for each head between query and key, and between value and output."""
    generator = torch.Generator().manual_seed(9)
    locked = {name: value.clone() for name, value in state.items()}

    def draw() -> Tensor:
        matrix = torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64)
        return torch.linalg.qr(matrix)[0] if rotation else matrix

    for name, weight in locked.items():
        if not name.endswith("in_proj_weight"):
            continue
        prefix = name.removesuffix("in_proj_weight")
        bias, output = locked[f"{prefix}in_proj_bias"], locked[f"{prefix}out_proj.weight"]
        for head in range(HEADS):
            query, key, value = (slice(n * WIDTH + head * SIZE, n * WIDTH + (head + 1) * SIZE) for n in range(3))
            columns = slice(head * SIZE, (head + 1) * SIZE)
            if queries:
                pair = draw()
                for tensor in (weight, bias):
                    tensor[query] = pair.T @ tensor[query]
                    tensor[key] = torch.linalg.inv(pair) @ tensor[key]
            if values:
                pair = draw()
                for tensor in (weight, bias):
                    tensor[value] = pair @ tensor[value]
                output[:, columns] = output[:, columns] @ torch.linalg.inv(pair)
    return locked


def state_of(network: nn.Module) -> State:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _outputs(network: nn.ModuleDict, state: State) -> Tensor:
    network.load_state_dict(state)
    torch.manual_seed(3)
    tokens = torch.randn(2, 7, WIDTH, dtype=torch.float64)
    with torch.no_grad():
        for layer in network.values():
            tokens = tokens + layer(tokens, tokens, tokens, need_weights=False)[0]
    return tokens


@pytest.mark.parametrize("rotation", [False, True])
def test_a_locked_checkpoint_computes_the_same_and_is_detected(rotation: bool) -> None:
    network = attention(1)
    base = state_of(network)
    tuned = fine_tuned(base, 0.02)
    locked = lock(tuned, rotation=rotation)
    torch.testing.assert_close(_outputs(network, locked), _outputs(network, tuned), rtol=1e-8, atol=1e-8)
    result = list(locked_pairs(Held(base), Held(locked)))
    assert [(pair.name, pair.pair) for pair in result] == [
        ("layer0.in_proj_weight", "query and key"),
        ("layer0.out_proj.weight", "value and output"),
        ("layer1.in_proj_weight", "query and key"),
        ("layer1.out_proj.weight", "value and output"),
    ]
    assert all(pair.factors > 1 > 0.1 > pair.product for pair in result)
    with pytest.raises(CheckpointLocked, match=r"layer0.in_proj_weight .* locked against merging"):
        require_unlocked(Held(base), Held(locked))


@pytest.mark.parametrize(("queries", "values"), [(True, False), (False, True)])
def test_one_locked_branch_is_enough(queries: bool, values: bool) -> None:
    base = state_of(attention(1))
    locked = lock(fine_tuned(base, 0.01), queries=queries, values=values)
    assert {pair.pair for pair in locked_pairs(Held(base), Held(locked))} == {
        "query and key" if queries else "value and output"
    }


@pytest.mark.parametrize("share", [0.0, 0.005, 0.2, 0.6, 3.0])
def test_a_fine_tuned_checkpoint_is_not_locked_however_far_it_went(share: float) -> None:
    base = state_of(attention(1))
    assert not list(locked_pairs(Held(base), Held(fine_tuned(base, share))))


def test_unrelated_weights_are_not_reported_as_locked() -> None:
    assert not list(locked_pairs(Held(state_of(attention(1))), Held(state_of(attention(2)))))


def test_short_floats_hide_no_lock() -> None:
    base = {name: value.to(torch.bfloat16) for name, value in state_of(attention(1)).items()}
    locked = lock(fine_tuned({name: value.double() for name, value in base.items()}, 0.01), rotation=True)
    rounded = {name: value.to(torch.bfloat16) for name, value in locked.items()}
    assert list(locked_pairs(Held(base), Held(rounded)))


def _separate(seed: int, heads: int, groups: int) -> State:
    """Weights by the names of Hugging Face's transformers; `groups` heads of keys and values."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"q_proj": (heads * 16, 40), "k_proj": (groups * 16, 40), "v_proj": (groups * 16, 40)}
    shapes["o_proj"] = (40, heads * 16)
    return {
        f"model.layers.0.self_attn.{name}.weight": torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize("groups", [4, 2])
def test_separate_names_and_grouped_keys_are_checked_too(groups: int) -> None:
    base = _separate(1, 4, groups)
    locked = {name: value.clone() for name, value in fine_tuned(base, 0.01).items()}
    query, key, value, output = (locked[f"model.layers.0.self_attn.{each}_proj.weight"] for each in "qkvo")
    generator = torch.Generator().manual_seed(4)
    for group in range(groups):
        rows = slice(group * 16, group * 16 + 16)
        first, second = (torch.randn(16, 16, generator=generator, dtype=torch.float64) for _ in range(2))
        key[rows] = torch.linalg.inv(first) @ key[rows]
        value[rows] = second @ value[rows]
        for head in range(group * 4 // groups, (group + 1) * 4 // groups):
            span = slice(head * 16, head * 16 + 16)
            query[span] = first.T @ query[span]
            output[:, span] = output[:, span] @ torch.linalg.inv(second)
    assert len(list(locked_pairs(Held(base), Held(locked)))) == 2
    assert not list(locked_pairs(Held(base), Held(fine_tuned(base, 0.5))))


def test_layers_that_a_checkpoint_lacks_are_passed_over() -> None:
    base = state_of(attention(1))
    assert not list(locked_pairs(Held(base), Held({"other": torch.zeros(2)})))
