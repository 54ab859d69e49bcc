"""A network of real size: some 600 MB in, merged, and out again, while the gateway stays small."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.harness.stack import Stack
from tests.acceptance import networks
from tests.acceptance.api import Api

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LIMIT_MB = 150
COARSE = {"integrator": "euler", "step_size": 0.25, "coefficients": False, "refine": False}
"""Two steps to the middle of the path, and nothing after them."""


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process in MB: now, and at its highest ever, as the kernel has kept it."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, peak = (int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) / 1000 for field in ("VmRSS", "VmHWM"))  # type: ignore[index]
    return now, peak


def random_network() -> networks.State:
    """ViT-B-32 as open_clip makes it, without pretrained weights; float32."""
    import open_clip

    torch.manual_seed(0)
    return dict(open_clip.create_model("ViT-B-32", pretrained=None, load_weights=False).state_dict())


def moved(base: networks.State, seed: int) -> networks.State:
    """The base with a visual tower a little way off."""
    generator = torch.Generator().manual_seed(seed)

    def move(name: str, tensor: torch.Tensor) -> torch.Tensor:
        if not name.startswith("visual."):
            return tensor
        return tensor + 0.002 * torch.randn(tensor.shape, generator=generator)

    return {name: move(name, tensor) for name, tensor in base.items()}


def test_the_gateway_stays_small_while_gigabytes_pass_through_it(
    own_stack: Callable[..., Stack],
    client: Callable[[Stack], Api],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = own_stack(ODEM_LEASE_SECONDS="30")
    api = client(stack)
    gateway = stack.pid("gateway")
    at_rest, _ = memory_mb(gateway)

    base = random_network()
    file = networks.save(tmp_path / "base.safetensors", base)
    size = file.stat().st_size
    assert size > 600e6
    digest = api.post_blob(file)
    file.unlink()
    api.create_lineage({"name": "large", "architecture": {"open_clip": "ViT-B-32"}, "base": digest})

    for number, dtype in ((1, torch.float32), (2, torch.bfloat16)):
        tuned = networks.converted(moved(base, number), dtype)
        file = networks.save(tmp_path / f"{number}.safetensors", tuned)
        generator = torch.Generator().manual_seed(number)
        images = torch.randint(0, 256, (4, 3, 224, 224), dtype=torch.uint8, generator=generator)
        sample = {"images": images, "labels": torch.tensor([0, 1, 0, 1])}
        calibration = networks.save(tmp_path / f"{number}-sample.safetensors", sample)
        task = {"name": f"task{number}", "classnames": ["left", "right"]}
        made = api.merge({"lineage": "large", "task": task, "recipe": COARSE}, file, calibration)
        file.unlink()
        assert api.wait_success(made)["version"] == f"large@{number}"

    with api.http.stream("GET", "/models/large@2/weights") as response:
        hasher, length = hashlib.sha256(), 0
        for chunk in response.iter_bytes(1 << 20):
            hasher.update(chunk)
            length += len(chunk)
    assert response.headers["etag"] == f'"sha256:{hasher.hexdigest()}"'
    assert length == api.version("large@2")["size"] > 600e6

    assert stack.pid("gateway") == gateway
    _, peak = memory_mb(gateway)
    with capsys.disabled():
        print(f"\ngateway: {at_rest:.0f} MB resident at rest, {peak:.0f} MB at its highest")
    assert peak < LIMIT_MB
