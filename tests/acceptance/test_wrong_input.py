"""Wrong input is told apart and explained as problem+json, and nothing of it is stored."""

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest
import torch

from benchmarks.harness.processes import eventually
from tests.acceptance import networks
from tests.acceptance.api import Json, Part, parts
from tests.acceptance.broken_files import BROKEN
from tests.acceptance.networks import State
from tests.acceptance.refusals import TASK, RunningService, assert_refused

pytestmark = pytest.mark.slow


def bytes_of(state: Mapping[str, torch.Tensor], folder: Path) -> bytes:
    return networks.save(folder / "file.safetensors", dict(state)).read_bytes()


# Files that are no safetensors


def send_file(running: RunningService, part: str, body: bytes) -> httpx.Response:
    """Send a file to POST /blobs, or as one of the parts of POST /merge beside a good one."""
    if part == "blob":
        return running.api.http.post("/blobs", content=body)
    good = running.material.visual[TASK.name].read_bytes()
    files = (body, None) if part == "checkpoint" else (good, body)
    return running.api.http.post("/merge", files=parts(running.document(), *files))


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("part", ["blob", "checkpoint", "calibration"])
def test_a_broken_file_is_refused_wherever_it_is_sent(running: RunningService, what: str, part: str) -> None:
    body, kind, words = BROKEN[what]
    status = 413 if kind == "too-large" else 422
    assert_refused(running, lambda: send_file(running, part, body), status, kind, words)


@pytest.mark.parametrize("part", ["blob", "checkpoint", "calibration"])
def test_a_good_header_with_too_few_or_too_many_bytes_behind_it_is_refused(running: RunningService, part: str) -> None:
    files = running.material.calibration if part == "calibration" else running.material.visual
    whole = files[TASK.name].read_bytes()
    for body, words in (
        (whole[:-3], (f"{len(whole) - 3} bytes", f"{len(whole)}", "truncated")),
        (whole + b"more", ("longer than", f"{len(whole)}")),
    ):
        assert_refused(running, lambda sent=body: send_file(running, part, sent), 422, "not-safetensors", words)


# Checkpoints that do not fit


def resized(state: State) -> State:
    return state | {"visual.proj": torch.zeros(64, 16), "visual.conv1.weight": torch.zeros(64, 3, 4, 4)}


def renamed(state: State) -> State:
    return {name.replace("resblocks", "layers"): tensor for name, tensor in state.items()}


def without(name: str) -> Callable[[State], State]:
    return lambda state: {key: tensor for key, tensor in state.items() if key != name}


def retyped(state: State) -> State:
    return state | {"visual.proj": state["visual.proj"].to(torch.int32)}


CHECKPOINTS: dict[str, tuple[Callable[[State], State], tuple[str, ...]]] = {
    "wrong shapes": (
        resized,
        ("visual.proj has shape [64, 16], expected [64, 32]", "visual.conv1.weight has shape [64, 3, 4, 4]"),
    ),
    "wrong names": (
        renamed,
        ("visual.transformer.layers.0", "is not in the base", "visual.transformer.resblocks.0", "is missing", "more"),
    ),
    "a name missing": (without("visual.ln_post.bias"), ("visual.ln_post.bias is missing (expected F32 [64])",)),
    "a name too many": (
        lambda state: state | {"visual.extra": torch.zeros(1)},
        ("visual.extra is not in the base",),
    ),
    "a wrong dtype": (retyped, ("visual.proj has dtype I32, expected F32",)),
    "float64": (lambda state: {name: tensor.double() for name, tensor in state.items()}, ("F64", "F32")),
    "a prefix of a trainer": (
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        ("module.visual.", "is not in the base"),
    ),
}


@pytest.mark.parametrize("what", CHECKPOINTS)
@pytest.mark.parametrize("method", ["ode", "average"])
def test_a_checkpoint_that_differs_from_the_base_is_refused_with_the_differences(
    running: RunningService, tmp_path: Path, what: str, method: str
) -> None:
    change, words = CHECKPOINTS[what]
    body = bytes_of(change(running.checkpoint), tmp_path)
    document = running.document(recipe={"method": method})
    send = lambda: running.api.http.post("/merge", files=parts(document, body, None))  # noqa: E731
    problem = assert_refused(running, send, 422, "tensor-mismatch", words)
    assert problem["differences"]


# Calibration that does not fit

CALIBRATIONS: dict[str, tuple[Callable[[State], State], tuple[str, ...]]] = {
    "a label too large": (lambda s: s | {"labels": s["labels"] + 1}, ("labels[2] is 3", "0 to 2")),
    "a negative label": (lambda s: s | {"labels": s["labels"] - 1}, ("labels[0] is -1", "0 to 2")),
    "labels of another dtype": (lambda s: s | {"labels": s["labels"].int()}, ("int64 [16]", "I32")),
    "too few labels": (lambda s: s | {"labels": s["labels"][:-1]}, ("int64 [16]", "[15]")),
    "images of another size": (lambda s: s | {"images": s["images"][..., :24, :24]}, ("24 x 24", "32 x 32", "Resize")),
    "float images": (lambda s: s | {"images": s["images"].float()}, ("uint8 [N, 3, 32, 32]", "F32")),
    "grey images": (lambda s: s | {"images": s["images"][:, :1]}, ("uint8 [N, 3, 32, 32]", "[16, 1, 32, 32]")),
    "channels last": (
        lambda s: s | {"images": s["images"].permute(0, 2, 3, 1)},
        ("uint8 [N, 3, 32, 32]", "[16, 32, 32, 3]"),
    ),
    "no images": (lambda s: {name: tensor[:0] for name, tensor in s.items()}, ("0 images", "1 to")),
    "no tensor of labels": (lambda s: {"images": s["images"]}, ("missing: ['labels']",)),
    "an unknown tensor": (lambda s: s | {"masks": torch.zeros(1)}, ("unknown: ['masks']",)),
    "a head of another width": (lambda s: s | {"head": torch.zeros(3, 8)}, ("[classes, 32]", "[3, 8]")),
    "a head of other classes": (lambda s: s | {"head": torch.zeros(4, 32)}, ("4 classes", "names 3")),
}


@pytest.mark.parametrize("what", CALIBRATIONS)
@pytest.mark.parametrize("way", ["multipart", "blobs"])
def test_a_calibration_sample_that_does_not_fit_is_refused(
    running: RunningService, tmp_path: Path, what: str, way: str
) -> None:
    change, words = CALIBRATIONS[what]
    file = networks.save(tmp_path / "sample.safetensors", change(running.sample))
    document = running.document()
    if way == "multipart":
        body = parts(document, running.material.visual[TASK.name].read_bytes(), file.read_bytes())
        send = lambda: running.api.http.post("/merge", files=body)  # noqa: E731
    else:
        checkpoint = running.api.post_blob(running.material.visual[TASK.name])
        document |= {"checkpoint": checkpoint, "calibration": running.api.post_blob(file)}
        send = lambda: running.api.http.post("/merge", json=document)  # noqa: E731
    assert_refused(running, send, 422, "calibration-invalid", words)


# Documents of a merge

DOCUMENTS: dict[str, tuple[Json | str, int, str, tuple[str, ...]]] = {
    "an unknown lineage": ({"lineage": "nowhere"}, 404, "lineage-not-found", ("'nowhere'", "Create it with POST")),
    "an unknown parameter": (
        {"recipe": {"stepsize": 0.1}},
        422,
        "invalid-document",
        ("recipe", "unknown recipe fields: stepsize; allowed: preset"),
    ),
    "an unknown method": ({"recipe": {"method": "magic"}}, 422, "invalid-document", ("magic", "'ode'", "'average'")),
    "a parameter out of range": (
        {"recipe": {"step_size": 7}},
        422,
        "invalid-document",
        ("step_size", "less than or equal to 1"),
    ),
    "an unknown field": ({"lineages": "x"}, 422, "invalid-document", ("lineages", "not permitted")),
    "a task without a name": ({"task": {}}, 422, "invalid-document", ("task.name", "required")),
    "a template without a place": (
        {"task": {"name": "t", "classnames": ["a", "b"], "templates": ["a photo"]}},
        422,
        "invalid-document",
        ("templates", "no {}"),
    ),
    "a name that is a path": ({"lineage": "../etc"}, 422, "invalid-document", ("lineage",)),
    "no JSON": ('{"lineage": "strict", ', 422, "invalid-document", ("JSON",)),
    "a list": ("[]", 422, "invalid-document", ("object",)),
    "nothing": ("", 422, "invalid-document", ("JSON",)),
    "not-a-number": ('{"lineage":"strict","task":{"name":"t","utility":NaN}}', 422, "invalid-document", ("utility",)),
    "too much": (json.dumps({"task": {"name": "t", "classnames": ["x" * 500] * 9000}}), 413, "too-large", ("JSON",)),
    "no architecture": (
        {"lineage": "plain-strict", "recipe": {"method": "ode"}},
        422,
        "method-unavailable",
        ("'plain-strict'", "no architecture", "average"),
    ),
}


@pytest.mark.parametrize("what", DOCUMENTS)
@pytest.mark.parametrize("way", ["multipart", "json"])
def test_an_invalid_document_is_refused(running: RunningService, what: str, way: str) -> None:
    content, status, kind, words = DOCUMENTS[what]
    text = content if isinstance(content, str) else json.dumps(running.document(**content))

    def send() -> httpx.Response:
        if way == "json":
            return running.api.http.post("/merge", content=text, headers={"Content-Type": "application/json"})
        files = running.material.visual[TASK.name].read_bytes(), running.material.calibration[TASK.name].read_bytes()
        return running.api.http.post("/merge", files=parts(text, *files))

    assert_refused(running, send, status, kind, words)


@pytest.mark.parametrize(
    ("digests", "status", "kind", "words"),
    [
        ({}, 422, "invalid-document", ("checkpoint", "multipart/form-data")),
        ({"checkpoint": f"sha256:{'0' * 64}"}, 404, "blob-not-found", ("sha256:000", "Upload it first")),
        ({"checkpoint": "../../etc/passwd"}, 422, "invalid-document", ("checkpoint",)),
    ],
    ids=["none", "unknown", "path"],
)
def test_json_must_name_blobs_that_are_there(
    running: RunningService, digests: Json, status: int, kind: str, words: tuple[str, ...]
) -> None:
    send = lambda: running.api.http.post("/merge", json=running.document(**digests))  # noqa: E731
    assert_refused(running, send, status, kind, words)


# Parts of a merge


def merge_part(running: RunningService) -> Part:
    return ("merge", (None, json.dumps(running.document()), "application/json"))


def file_part(name: str, running: RunningService) -> Part:
    files = {"calibration": running.material.calibration}.get(name, running.material.visual)
    return (name, ("file.safetensors", files[TASK.name].read_bytes(), "application/octet-stream"))


PARTS: dict[str, tuple[tuple[str, ...], int, str, tuple[str, ...]]] = {
    "no calibration": (("merge", "checkpoint"), 422, "calibration-invalid", ("'ode'", "part calibration", "uint8")),
    "no checkpoint": (("merge", "calibration"), 400, "malformed-upload", ("'checkpoint'",)),
    "the document alone": (("merge",), 400, "malformed-upload", ("'checkpoint'",)),
    "the document last": (("checkpoint", "merge"), 400, "malformed-upload", ("'merge'", "before", "'checkpoint'")),
    "an unknown part": (("merge", "weights"), 400, "malformed-upload", ("'weights'", "checkpoint", "calibration")),
    "a part twice": (("merge", "checkpoint", "checkpoint"), 400, "malformed-upload", ("'checkpoint'", "twice")),
    "the document twice": (("merge", "merge", "checkpoint"), 400, "malformed-upload", ("'merge'",)),
    "too many parts": (("merge", "checkpoint", "calibration", *["more"] * 9), 400, "malformed-upload", ("part",)),
}


@pytest.mark.parametrize("what", PARTS)
def test_parts_that_are_missing_or_out_of_order_are_named(running: RunningService, what: str) -> None:
    names, status, kind, words = PARTS[what]
    files = [merge_part(running) if name == "merge" else file_part(name, running) for name in names]
    assert_refused(running, lambda: running.api.http.post("/merge", files=files), status, kind, words)


@pytest.mark.parametrize(
    ("content_type", "status", "kind", "words"),
    [
        ("multipart/form-data", 400, "malformed-upload", ("boundary",)),
        ("multipart/form-data; boundary=other", 400, "malformed-upload", ("multipart",)),
        ("text/plain", 415, "media-type-unsupported", ("multipart/form-data", "application/json", "'text/plain'")),
        ("application/octet-stream", 422, "invalid-document", ("query", "POST /merge?task=NAME")),
    ],
)
def test_a_body_that_does_not_match_its_content_type_is_refused(
    running: RunningService, content_type: str, status: int, kind: str, words: tuple[str, ...]
) -> None:
    files = parts(running.document(), running.material.visual[TASK.name].read_bytes(), None)
    body = httpx.Request("POST", running.stack.url, files=files).read()
    send = lambda: running.api.http.post("/merge", content=body, headers={"Content-Type": content_type})  # noqa: E731
    assert_refused(running, send, status, kind, words)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("path", ["/merge", "/blobs"])
def test_a_connection_that_is_cut_leaves_nothing(running: RunningService, path: str, share: float) -> None:
    before = running.stored()
    if path == "/merge":
        files = parts(running.document(), running.material.full[TASK.name].read_bytes(), None)
        request = httpx.Request("POST", running.stack.url + path, files=files)
    else:
        request = httpx.Request("POST", running.stack.url + path, content=running.material.full[TASK.name].read_bytes())
    body = request.read()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", running.stack.port)) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body[: int(len(body) * share)])
        eventually(lambda: running.stack.uploads, "the upload has begun")
    eventually(lambda: not running.stack.uploads, "the upload is forgotten")
    assert running.stored() == before
