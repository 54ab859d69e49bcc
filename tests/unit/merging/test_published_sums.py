"""Methods from sums against what the public implementations made of the same small matrices.

wudi: `get_redundant_task_vector` of nathanielyvo/WUDI-Merging at dc3cd12, 20000 steps of Adam at 1e-3 in float64 (the
published 300 steps at 1e-5 stop early). regmean, fisher: `merging_with_regmean_weights` and
`merging_with_fisher_weights` of tanganke/fusion_bench at 54c9e8c, in float64.
"""

import numpy as np
import torch

from merging.fisher import Fisher
from merging.regmean import regmean
from merging.wudi import wudi
from tests.unit.merging.streams import Held, State, run

_WUDI = [
    [-0.9871899153992973, -1.7532355384312346, -2.9600268401974375, -5.752211990807901],
    [0.5740636517927254, -0.19154195209425548, 0.7731136857907064, -1.356464652152745],
    [0.4136078398964298, -0.5197314712049296, 1.1009119589878895, -3.4153559782560086],
]
_REGMEAN = [
    [-0.4100772178013729, -0.6339252299526952, 0.1173893030627136, 0.8561932646180828],
    [0.24884268739655815, -0.12068990146150449, -0.19646568997218594, 0.18558998034608956],
    [0.23466486194652816, 0.19988259488311544, -0.20054301017075354, -0.23396358919638915],
]
_FISHER = {
    "fc.weight": [
        [-0.2988973346770525, -0.08473240961193163, 0.009823191354251614, -0.02238172224085684],
        [0.254124683399059, 0.019585397157982118, -0.08578708588793622, 0.010798635400920182],
        [-0.10013912988454447, 0.0839294893030977, 0.16820328553611022, -0.12477427902340613],
    ],
    "fc.bias": [-0.3230472296747464, -0.12911468344353152, 0.04682790020196764],
}


def _wave(shape: tuple[int, ...], k: int) -> torch.Tensor:
    size = int(np.prod(shape))
    return torch.from_numpy(np.sin(np.arange(1, size + 1) * (1.0 + 0.37 * k) + k)).reshape(shape)


def _tasks() -> list[State]:
    falling = 0.6 ** torch.arange(4, dtype=torch.float64)
    return [{"fc.weight": _wave((3, 4), k) * falling, "fc.bias": _wave((3,), k)} for k in (1, 2, 3)]


_BASE: State = {name: torch.zeros_like(tensor) for name, tensor in _tasks()[0].items()}


def test_wudi_is_where_the_published_iteration_ends() -> None:
    result, _, _ = run(wudi((1.0,) * 3), _BASE, _BASE, _tasks())
    torch.testing.assert_close(result["fc.weight"], torch.tensor(_WUDI, dtype=torch.float64), rtol=0, atol=3e-9)


def test_regmean_gives_the_published_codes_weights() -> None:
    inputs = [_wave((9, 4), k) for k in (4, 5, 6)]
    moments = [Held({"fc.weight": x.T @ x / 9}) for x in inputs]
    result, _, _ = run(regmean((1.0,) * 3, moments), _BASE, _BASE, _tasks())
    torch.testing.assert_close(result["fc.weight"], torch.tensor(_REGMEAN, dtype=torch.float64), rtol=0, atol=1e-12)


def test_fisher_gives_the_published_codes_weights() -> None:
    weight = [_wave((3, 4), k) ** 2 * 10.0**-k for k in (7, 8, 9)]
    bias = [_wave((3,), k) ** 2 * 10.0**-k for k in (10, 11, 12)]
    information = [Held({"fc.weight": one, "fc.bias": other}) for one, other in zip(weight, bias, strict=True)]
    result, _, _ = run(Fisher((1.0,) * 3, information=information), _BASE, _BASE, _tasks())
    for name, values in _FISHER.items():
        torch.testing.assert_close(result[name], torch.tensor(values, dtype=torch.float64), rtol=0, atol=1e-12)
