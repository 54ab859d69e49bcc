"""Each method as a function of whole task vectors gives what its published implementation gives."""

import numpy as np
import pytest
import torch
from torch import Tensor

from merging.breadcrumbs import Breadcrumbs
from merging.consensus import Consensus
from merging.dc_merge import DcMerge
from merging.della import keep_probabilities
from merging.emr import Emr, rescaler
from merging.iso_c import IsoC
from merging.iso_cts import isotropic_with_tasks
from merging.model_stock import ModelStock
from merging.pcb import Pcb
from merging.singular_triples import decompose
from merging.streaming import AnyMethod
from merging.tsv_m import TsvM
from tests.unit.merging import published
from tests.unit.merging.published import Published, task_matrices, task_matrix
from tests.unit.merging.streams import run

CASES = {
    "tsv_m": (TsvM((1.0,) * 3), (9, 7), published.TSV_M),
    "iso_c": (IsoC((1.0,) * 3), (9, 7), published.ISO_C),
    "dc_merge": (DcMerge((1.0,) * 3), (100, 90), published.DC_MERGE),
    "emr": (Emr(), (9, 7), published.EMR),
    "breadcrumbs": (Breadcrumbs(density=0.3, gamma=0.02, scaling=1.0), (20, 15), published.BREADCRUMBS),
    "consensus": (Consensus(tasks=3, threshold=2, mask_scale=0.4, scaling=1.0), (9, 7), published.CONSENSUS),
    "pcb": (Pcb(tasks=3, density=0.1, scaling=1.0), (40, 30), published.PCB),
}


@pytest.mark.parametrize("name", CASES)
def test_all_checkpoints_at_once_give_the_published_result(name: str) -> None:
    method, shape, expected = CASES[name]
    expected.check(_merge(method, task_matrices(*shape)))


def _merge(method: AnyMethod, vectors: list[np.ndarray]) -> np.ndarray:
    """The merged task vector, of a float64 base of zeros."""
    base = {"fc.weight": torch.zeros(vectors[0].shape, dtype=torch.float64)}
    models: list[dict[str, Tensor]] = [{"fc.weight": torch.from_numpy(vector)} for vector in vectors]
    return run(method, base, base, models)[0]["fc.weight"].numpy()


def test_model_stock_shrinks_by_the_published_ratio() -> None:
    shared = task_matrix(9, 7, 0)
    vectors = [shared + task_matrix(9, 7, task) / 2 for task in (1, 2, 3)]
    published.MODEL_STOCK.check(_merge(ModelStock(tasks=3), vectors))


def test_whole_task_vectors_give_the_published_iso_cts() -> None:
    """Only the truncation of the store makes the method approximate."""
    vectors = task_matrices(30, 24)
    total = np.sum(vectors, axis=0)
    whole = [decompose(vector.copy(), 24) for vector in vectors]
    published.ISO_CTS.check(isotropic_with_tasks(total, whole, common=0.8))


def test_della_keeps_entries_with_the_published_probabilities() -> None:
    result = keep_probabilities(task_matrix(5, 6, 1), density=0.5, epsilon=0.15)
    published.DELLA_PROBABILITIES.check(result, tolerance=1e-6)


def test_emr_gives_the_published_scale_of_each_task() -> None:
    vectors = task_matrices(9, 7)
    unified = _merge(Emr(), vectors)
    scales = [rescaler(vector, unified) for vector in vectors]
    np.testing.assert_allclose(scales, published.EMR_RESCALERS, rtol=1e-9)


def test_different_results_have_different_digests() -> None:
    values = task_matrix(9, 7, 0)
    digest = Published(values.reshape(-1)[:3].tolist(), float(np.linalg.norm(values)), 0.0)
    with pytest.raises(AssertionError):
        digest.check(values + 1e-3)
