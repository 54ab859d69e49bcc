"""Lineages that cannot be, and things that are not there, are told apart and explained; nothing is stored."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance import networks
from tests.acceptance.api import Json
from tests.acceptance.refusals import TASK, RunningService, assert_refused

pytestmark = pytest.mark.slow


def lineage(running: RunningService, **more: Any) -> Json:
    return {"name": "new", "architecture": networks.ARCHITECTURE, "base": running.base} | more


LINEAGES: dict[str, tuple[Callable[[RunningService], Json], int, str, tuple[str, ...]]] = {
    "an unknown network": (
        lambda running: lineage(running, architecture={"open_clip": "ViT-B-33"}),
        422,
        "unknown-architecture",
        ("'ViT-B-33'", "ViT-B-32", "list_models"),
    ),
    "a config that open_clip cannot build": (
        lambda running: lineage(running, architecture={"open_clip": {"embed_dim": 32}}),
        422,
        "unknown-architecture",
        ("vision_cfg",),
    ),
    "a base of another network": (
        lambda running: lineage(running, architecture={"open_clip": "ViT-B-32"}),
        422,
        "architecture-mismatch",
        ("visual.conv1.weight has shape [64, 3, 8, 8], expected [768, 3, 32, 32]", "full open_clip state dict"),
    ),
    "a base of another depth": (
        lambda running: lineage(
            running,
            architecture={"open_clip": networks.CONFIG, "overrides": {"vision_cfg": {"layers": 3}}},
        ),
        422,
        "architecture-mismatch",
        ("has 2 blocks, expected 3",),
    ),
    "a base without a text tower": (
        lambda running: lineage(running, base=running.api.post_blob(running.material.visual[TASK.name])),
        422,
        "architecture-mismatch",
        ("only a visual tower", "text tower"),
    ),
    "weights that are no network": (
        lambda running: lineage(running, base=running.plain_base),
        422,
        "architecture-mismatch",
        ("logit_scale is missing",),
    ),
    "a base that was not sent": (
        lambda running: lineage(running, base=f"sha256:{'1' * 64}"),
        404,
        "blob-not-found",
        ("Upload it first",),
    ),
    "no architecture for ODE-M": (
        lambda running: {"name": "new", "base": running.plain_base, "recipe": {"method": "ode"}},
        422,
        "method-unavailable",
        ("no architecture", "average"),
    ),
    "a path in the tokenizer's arguments": (
        lambda running: lineage(
            running,
            architecture={
                "open_clip": "ViT-B-32",
                "overrides": {"text_cfg": {"tokenizer_kwargs": {"bpe_path": "/dev/ptmx"}}},
            },
        ),
        422,
        "unknown-architecture",
        ("text_cfg.tokenizer_kwargs", "not permitted"),
    ),
    "a tower from a hub": (
        lambda running: lineage(
            running,
            architecture={"open_clip": "ViT-B-32", "overrides": {"vision_cfg": {"timm_model_name": "hf-hub:a/b"}}},
        ),
        422,
        "unknown-architecture",
        ("timm_model_name", "none of timm's model names"),
    ),
    "a name in use": (
        lambda running: lineage(running, name="strict", base_utility=2.0),
        409,
        "lineage-exists",
        ("'strict'", "another name"),
    ),
    "a name that is none": (lambda running: lineage(running, name="A B"), 422, "invalid-document", ("name",)),
    "an unknown field": (
        lambda running: lineage(running, bases=1),
        422,
        "invalid-document",
        ("bases", "not permitted"),
    ),
    "an unknown parameter": (
        lambda running: lineage(running, recipe={"method": "ode", "steps": 3}),
        422,
        "invalid-document",
        ("recipe", "unknown recipe fields: steps; allowed: preset"),
    ),
}


@pytest.mark.parametrize("what", LINEAGES)
def test_a_lineage_that_cannot_be_is_refused(running: RunningService, what: str) -> None:
    make, status, kind, words = LINEAGES[what]
    document = make(running)
    assert_refused(running, lambda: running.api.http.post("/lineages", json=document), status, kind, words)


@pytest.mark.parametrize(
    ("content", "status", "kind", "word"),
    [(b"{", 422, "invalid-document", "JSON"), (b" " * (5 << 20), 413, "too-large", "ODEM_MAX_JSON_BYTES")],
    ids=["no JSON", "too much"],
)
def test_a_lineage_is_a_json_document_of_bounded_size(
    running: RunningService, content: bytes, status: int, kind: str, word: str
) -> None:
    assert_refused(running, lambda: running.api.http.post("/lineages", content=content), status, kind, (word,))


# What is not there


@pytest.mark.parametrize(
    ("path", "status", "kind", "words"),
    [
        ("/models/strict@99", 404, "version-not-found", ("strict@99", "name@number")),
        ("/models/strict@99/weights", 404, "version-not-found", ("strict@99",)),
        ("/models/nowhere@1", 404, "version-not-found", ("nowhere@1",)),
        ("/models/..%2F..%2Fetc", 404, "not-found", ()),
        ("/models?lineage=nowhere", 404, "lineage-not-found", ("'nowhere'",)),
        ("/models/plain-strict@0/open_clip_config.json", 404, "not-found", ("'plain-strict'", "no architecture")),
        ("/merges/mrg_0", 404, "merge-not-found", ("mrg_0",)),
        ("/merges?lineage=nowhere", 404, "lineage-not-found", ("'nowhere'",)),
        ("/merges?limit=0", 422, "invalid-document", ("limit",)),
        ("/lineages/nowhere", 404, "lineage-not-found", ("Create it with POST /lineages",)),
        ("/merge", 405, "method-not-allowed", ()),
        ("/nothing", 404, "not-found", ()),
    ],
)
def test_missing_resources_return_404(
    running: RunningService, path: str, status: int, kind: str, words: tuple[str, ...]
) -> None:
    assert_refused(running, lambda: running.api.http.get(path), status, kind, words)
