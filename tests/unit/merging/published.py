"""Inputs on which public reference implementations were run in float64, and a digest of what they returned.

The numbers are results of these repositories, run unchanged on `task_matrix`:

- tsv_m: AntoAndGar/task_singular_vectors, `compute_and_sum_svd_mem_reduction`, commit
  a6c97188f7aa0bb20753de4f2939be89dd64f1c3
- iso_c, iso_cts: danielm1405/iso-merging, functions of the same names, commit d34010af8ba129ef4d17a91ca9943b413fe06f8c
- dc_merge: Tobeginwith/DC-Merge, `vision_fft_merge`, commit 3c443e4d023be34d6868aefb69a4be545871bfbf
- emr: harveyhuang18/EMR_Merging, `main_emr_30_vits.emr_merge`, commit cc225ecb5589aae273dc10889676d94366cd34fc
- breadcrumbs, della, model_stock: arcee-ai/mergekit, `magnitude_outliers`, `della_magprune`, `ModelStockMergeTask`,
  commit a6e402884ba9bc30da7f23e8304a35f19485de95
- consensus: tanganke/fusion_bench, `tall_mask.generate_task_masks`, commit 54c9e8c9d9621620c720452cd8533332a32d3689
- pcb: duguodong7/pcb-merging, `PCB_merge`, commit 5897888b5d24adfcd33e124793d113746e00f3ff
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


def task_matrix(rows: int, columns: int, task: int) -> NDArray[np.float64]:
    """Task vector number `task`, from 0."""
    n = np.arange(1, rows * columns + 1, dtype=np.float64)
    return np.cos(n * n * (0.37 + 0.11 * task)).reshape(rows, columns) * (1 + 0.1 * task)


def task_matrices(rows: int, columns: int) -> list[NDArray[np.float64]]:
    """Three task vectors."""
    return [task_matrix(rows, columns, task) for task in range(3)]


@dataclass(frozen=True)
class Published:
    """A result by its first entries in C order, its norm, and its scalar product with cos 0, cos 1, cos 2, ..."""

    first: Sequence[float]
    norm: float
    product: float

    def check(self, result: NDArray[Any], tolerance: float = 1e-9) -> None:
        """Assert that the result is this one."""
        flat = np.asarray(result, np.float64).reshape(-1)
        np.testing.assert_allclose(flat[: len(self.first)], self.first, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(np.linalg.norm(flat), self.norm, rtol=tolerance)
        np.testing.assert_allclose(flat @ np.cos(np.arange(flat.size)), self.product, rtol=tolerance, atol=tolerance)


TSV_M = Published((0.987691998925, -0.743698834315, -0.279896858567), 7.927584791477, -5.461839335325)
"""Of 9 × 7 matrices, as are all that say nothing else."""

ISO_C = Published((2.56513480858, -0.9302064777, -0.813527012801), 10.40089550524, 4.94024410511)

ISO_CTS = Published((2.63044936924, -1.19066599442, -2.00839324145), 34.08631939952, 15.78509121522)
"""Of 30 × 24 matrices, common share 0.8."""

DC_MERGE = Published((0.547546605643, -0.782361309648, 0.0473129513583), 56.90664916496, 18.78657677363)
"""Of 100 × 90 matrices, density 0.001."""

EMR = Published((0.99712881492, -0.851751067635, -0.982303776338), 7.736047260073, 0.4099963733932)

EMR_RESCALERS = (1.14623192616, 0.948021927939, 1.02350987151)

BREADCRUMBS = Published((1.90802176066, 0.0, -0.982303776338), 17.18540963651, -6.110557611262)
"""The sum of three 20 × 15 matrices masked at density 0.3, gamma 0.02."""

DELLA_PROBABILITIES = Published((0.65, 0.47, 0.53, 0.41, 0.59, 0.35), 2.795531988144, 0.09884691893046)
"""Of matrix number 1, 5 × 6, density 0.5, epsilon 0.15; computed in float32."""

MODEL_STOCK = Published((1.31519923427, -0.29326694789, -0.6666479939), 5.952857277193, -1.843511126959)
"""Of task_matrix(0) + task_matrix(n) / 2 for n = 1, 2, 3, base zero."""

CONSENSUS = Published((2.90515057558, -1.13744405944, -0.727737401736), 11.63935023653, -0.3483238173267)
"""λ = 0.4."""

PCB = Published((0.932327345606, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.19777626655), 18.74749516736, 8.041828470296)
"""Of 40 × 30 matrices."""
