"""Hostile requests of one tenant; each must be refused with a 4xx problem and store nothing.

`{base}` in a document stands for the digest of a blob that the tenant may use.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from merging.recipes import RECIPES
from tests.integration.uploads.hostile_files import FILES

OWN, OWN_NEW, OTHER = "attacker", "attacker-new", "victim"
_BASE = "{base}"


@dataclass(frozen=True)
class Case:
    """One request, and the statuses with which it may be refused. kinds: the allowed problem types; empty: any."""

    name: str
    method: str
    path: str
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    statuses: frozenset[int] = frozenset({422})
    kinds: frozenset[str] = frozenset()


_INVALID = frozenset({"invalid-document"})
_ARCHITECTURE = _INVALID | {"unknown-architecture"}
"""A config that got further would be compared with the base, and refused as architecture-mismatch."""


def all_cases() -> list[Case]:
    """The whole corpus."""
    groups = (_configs, _lineages, _merges, _recipes, _bodies, _paths, _others, _webhooks, _files, _uploads)
    return [case for group in groups for case in group()]


def _post(name: str, path: str, document: Any, *statuses: int, kinds: frozenset[str] = frozenset()) -> Case:
    content = json.dumps(document).encode()
    return Case(name, "POST", path, content, statuses=frozenset(statuses or {422}), kinds=kinds)


def plain_lineage(**more: Any) -> dict[str, Any]:
    return {"name": OWN_NEW, "base": _BASE, "recipe": {"method": "average"}} | more


def plain_merge(**more: Any) -> dict[str, Any]:
    return {"lineage": OWN, "task": {"name": "t"}, "checkpoint": _BASE} | more


_NOT_FINITE = (float("nan"), float("inf"), float("-inf"))
_SMALL: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"layers": 1, "width": 16, "head_width": 8, "patch_size": 8, "image_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
_EMPTY: dict[str, Any] = {}
_ODD: tuple[Any, ...] = (None, True, -1, 0, 10**12, 1e9, *_NOT_FINITE, "x", [], ["x"], _EMPTY, {"a": {"b": []}})
_TEXT: dict[str, Any] = {
    "tokenizer_kwargs": {"bpe_path": "/dev/ptmx"},
    "hf_tokenizer_name": "bert-base-uncased",
    "hf_model_name": "roberta-base",
    "hf_model_pretrained": True,
    "width": "16",
    "context_length": 10**12,
    "mlp_ratio": 1e9,
    "heads": 3,
}
_VISION: dict[str, Any] = {
    "timm_model_name": "hf-hub:someone/model",
    "timm_drop_path": 1e9,
    "mlp_ratio": 1e9,
    "attn_pooler_queries": 10**9,
    "reduction_mask": "x",
    "block_type": "custom",
    "image_size": [10**6, 10**6],
    "layers": [1, 1, 1, 10**6],
    "output_dim": 10**9,
}


def _configs() -> Iterator[Case]:
    changes = [("text_cfg", _TEXT), ("vision_cfg", _VISION), ("vision_cfg", {"timm_model_name": "local-dir:/etc"})]
    configs = [
        _SMALL | {where: _SMALL[where] | {key: value}} for where, fields in changes for key, value in fields.items()
    ]
    configs += [_SMALL | {key: value} for key in (*_SMALL, "unknown", "custom_text") for value in (10**12, "x", [1])]
    configs += [
        _SMALL | {where: _SMALL[where] | {key: value}}
        for where in ("vision_cfg", "text_cfg")
        for key in _SMALL[where]
        for value in ("x", -1, float("nan"), {"a": 1}, 10**15)
    ]
    for number, config in enumerate(configs):
        yield _post(
            f"config {number}", "/lineages", plain_lineage(architecture={"open_clip": config}), kinds=_ARCHITECTURE
        )
    for number, value in enumerate((*_ODD, "../../etc/passwd", "hf-hub:a/b", "ViT-B-31")):
        yield _post(
            f"architecture {number}", "/lineages", plain_lineage(architecture={"open_clip": value}), kinds=_ARCHITECTURE
        )
        overrides = {"open_clip": "ViT-B-32", "overrides": {"vision_cfg": {"mlp_ratio": value}}}
        yield _post(f"override {number}", "/lineages", plain_lineage(architecture=overrides), kinds=_ARCHITECTURE)


_VALID: dict[str, tuple[Any, ...]] = {
    "gate": (None, _EMPTY),
    "base_utility": (True, 0),
    "calibration_budget": (True,),
}
"""Odd values that a field may have."""


def _lineages() -> Iterator[Case]:
    for key in ("name", "base", "recipe", "gate", "calibration_budget", "base_utility", "unknown"):
        for number, value in enumerate(_ODD):
            if any(value is valid for valid in _VALID.get(key, ())):
                continue
            statuses = (403, 422) if key == "name" else (404, 422)
            yield _post(f"lineage {key} {number}", "/lineages", plain_lineage(**{key: value}), *statuses)


def _merges() -> Iterator[Case]:
    tasks: list[Any] = [
        *_ODD,
        {"name": "../x"},
        {"name": "t", "utility": float("nan")},
        {"name": "t", "utility": 1e300},
    ]
    tasks += [{"name": "t", "templates": ["no place"]}, {"name": "t", "classnames": ["a\nb"]}]
    tasks += [{"name": "t", "classnames": ["x"] * 100_001}, {"name": "t", "templates": ["{}"] * 1001}]
    tasks += [{"name": "t", "classnames": ["x" * 500] * 3000}]
    for number, task in enumerate(tasks):
        yield _post(f"task {number}", "/merge", plain_merge(task=task), 413, 422)
    for key in ("labels", "recipe", "gate", "checkpoint", "calibration", "unknown"):
        for number, value in enumerate((*_NOT_FINITE, -1, "x", ["x"], {"a": {"b": []}}, {"a": float("nan")})):
            yield _post(f"merge {key} {number}", "/merge", plain_merge(**{key: value}))
    yield _post("labels beyond the limit", "/merge", plain_merge(labels={str(i): "x" for i in range(33)}))


def _recipes() -> Iterator[Case]:
    for method, recipe in RECIPES.items():
        for name in recipe.fields:
            for value in (*_NOT_FINITE, -1e300, 1e300, "x", [], {}):
                document = plain_merge(recipe={"method": method, name: value})
                yield _post(f"recipe {method} {name} {value}", "/merge", document, kinds=_INVALID)


def _bodies() -> Iterator[Case]:
    documents = {
        "nothing": b"",
        "half": b'{"lineage": "attacker"',
        "not UTF-8": b'{"lineage": "\xff"}',
        "deep": b'{"a":' * 20_000,
        "deep list": b"[" * 100_000,
        "null": b"null",
        "a huge number": b'{"lineage": ' + b"9" * 5000 + b"}",
    }
    for name, content in documents.items():
        for path in ("/merge", "/lineages", f"/lineages/{OWN}/rollback", f"/lineages/{OWN}/branch"):
            yield Case(f"{name} to {path}", "POST", path, content, statuses=frozenset({400, 422}))
    yield Case("a document beyond the limit", "POST", "/lineages", b" " * ((4 << 20) + 1), statuses=frozenset({413}))


def _paths() -> Iterator[Case]:
    for name in ("a\nforged", "a\x1b[31m", "..", "../../etc", "a" * 5000, "%00", "\u2028", "a\x00b", "NUL", "-", " "):
        for path in ("/lineages/{}", "/models/{}", "/merges/{}", "/lineages/{}/aliases", "/uploads/{}", "/blobs/{}"):
            text = path.format(quote(name, safe=""))
            yield Case(f"GET {path} {name[:10]!r}", "GET", text, statuses=frozenset({403, 404, 405, 412, 422}))
        yield Case(
            f"rollback {name[:10]!r}",
            "POST",
            f"/lineages/{quote(name, safe='')}/rollback",
            b'{"version":"0"}',
            statuses=frozenset({404, 422}),
        )


def _others() -> Iterator[Case]:
    """What belongs to the other tenant does not exist."""
    hidden = frozenset({403, 404})
    reads = ("lineages/{}", "lineages/{}/aliases", "lineages/{}/events", "models/{}@0", "models/{}@0/weights")
    reads += ("models?lineage={}", "merges?lineage={}", "lineages/{}/webhooks", "lineages/{}/retention")
    for path in reads:
        yield Case(f"read {path}", "GET", f"/{path.format(OTHER)}", statuses=hidden)
    changes: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/merge", plain_merge(lineage=OTHER)),
        ("POST", f"/lineages/{OTHER}/rollback", {"version": "0"}),
        ("POST", f"/lineages/{OTHER}/branch", {"name": OWN_NEW, "version": "0"}),
        ("POST", f"/lineages/{OWN}/branch", {"name": OTHER, "version": "0"}),
        ("POST", f"/lineages/{OTHER}/webhooks", {"url": "https://example.com/"}),
        ("PUT", f"/lineages/{OTHER}/aliases/x", {"version": "0"}),
        ("PUT", f"/lineages/{OTHER}/retention", {"keep_last": 1}),
        ("POST", f"/lineages/{OTHER}/retention/apply", None),
        ("PUT", f"/lineages/{OTHER}/pins/0", None),
        ("POST", "/lineages", plain_lineage(name=OTHER)),
    )
    for method, path, document in changes:
        content = None if document is None else json.dumps(document).encode()
        yield Case(f"{method} {path} of the other", method, path, content, statuses=hidden)


def _webhooks() -> Iterator[Case]:
    hosts = (
        "127.0.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "192.88.99.1",
        "10.0.0.1",
        "[::1]",
        "[3fff::1]",
        "0.0.0.0",
    )
    urls = [f"https://{host}/" for host in (*hosts, "[fe80::1]", "[::ffff:10.0.0.1]", "user:x@example.com")]
    urls += [
        "file:///etc/passwd",
        "gopher://example.com",
        "https://",
        "x",
        "https://example.com/\r\nX: y",
        "https://a b/",
    ]
    for url in (*urls, *_NOT_FINITE, None, ["https://example.com"], f"https://example.com/{'x' * 3000}"):
        yield _post(f"webhook {str(url)[:40]}", f"/lineages/{OWN}/webhooks", {"url": url})


def _files() -> Iterator[Case]:
    kind = {"Content-Type": "application/octet-stream"}
    for name, (content, _) in FILES.items():
        if len(content) <= 1 << 20:
            yield Case(f"file: {name}", "POST", "/blobs", content, kind, frozenset({400, 413, 422}))


def _uploads() -> Iterator[Case]:
    refused = frozenset({400, 412, 413, 415, 422, 507})
    for length in ("-1", "x", "1e3", "", str(1 << 62), "9" * 40, "0x10", "1, 2"):
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": length}
        yield Case(f"upload of {length[:12]!r} bytes", "POST", "/uploads", None, headers, refused)
    for version in ("", "0.2.2", "1.0.0\t", "2"):
        headers = {"Tus-Resumable": version, "Upload-Length": "10"}
        if version.strip() != "1.0.0":
            yield Case(f"tus {version!r}", "POST", "/uploads", None, headers, refused)
