"""The composition and its images, without an engine: what can be seen in their files."""

import ipaddress
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from registry.admin.settings import AdminSettings
from service.settings import GatewaySettings
from worker.settings import WorkerSettings

_ROOT = Path(__file__).parents[2]
_FILES = ("docker-compose.yml", "docker-compose.override.yml", "docker-compose.cpu.yml")
_DOCKERFILES = ("docker/gateway.Dockerfile", "docker/worker.Dockerfile")
_PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*")


def _compose(name: str = _FILES[0]) -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load((_ROOT / name).read_text())
    return result


def _services() -> dict[str, dict[str, Any]]:
    result: dict[str, dict[str, Any]] = _compose()["services"]
    return result


@pytest.mark.parametrize("name", _FILES)
def test_every_setting_in_the_composition_is_one_that_its_process_reads(name: str) -> None:
    known = {"gateway": GatewaySettings, "worker": WorkerSettings}
    for service, room in known.items():
        environment = _compose(name)["services"].get(service, {}).get("environment", {})
        fields = {f"ODEM_{field.upper()}" for field in room.model_fields}
        assert {variable for variable in environment if variable.startswith("ODEM_")} <= fields, service


def test_every_secret_is_a_file_and_none_stands_in_an_environment() -> None:
    compose = _compose()
    assert all(secret["file"].startswith("./docker/secrets/") for secret in compose["secrets"].values())
    for name, service in _services().items():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        for variable in service.get("environment", {}):
            assert not re.search(r"(PASSWORD|SECRET|TOKEN|KEY)$", variable), f"{name}: {variable}"
    assert "odem_redis_password" in {f"odem_{field}" for field in AdminSettings.model_fields}
    ignored = subprocess.run(
        ("git", "check-ignore", "-q", "docker/secrets/odem_redis_password"), cwd=_ROOT, check=False
    )
    assert ignored.returncode == 0, "a secret could be committed"


def test_every_image_is_pinned_to_a_release() -> None:
    images = [service["image"] for service in _services().values() if not service["image"].startswith("odem-")]
    bases = [base for file in _DOCKERFILES for base in re.findall(r"^ARG BASE=(.+)$", (_ROOT / file).read_text(), re.M)]
    assert len(bases) == 2
    for image in (*images, *bases):
        assert _PINNED.fullmatch(image), image


def test_every_service_runs_read_only_without_capabilities_and_has_a_health_check() -> None:
    for name, service in _services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        if name != "volumes":
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert service["restart"] == "unless-stopped", name
    for name in ("valkey", "nginx", "prometheus", "grafana"):
        assert "healthcheck" in _services()[name], name
    for file in _DOCKERFILES:
        text = (_ROOT / file).read_text()
        assert re.search(r"^USER 10001:10001$", text, re.M), file
        assert re.search(r"^HEALTHCHECK .*python", text, re.M), file
        assert "org.opencontainers.image.revision" in text, file
        assert text.count("--require-hashes") >= 1, file


def test_nothing_listens_beyond_loopback_by_default() -> None:
    for name, service in _services().items():
        for port in service.get("ports", ()):
            assert port.startswith(("127.0.0.1:", "${ODEM_TLS_ADDRESS:-127.0.0.1:")), f"{name}: {port}"


@pytest.mark.parametrize("service", ["gateway", "worker"])
def test_a_process_has_longer_to_end_than_its_soft_shutdown_takes(service: str) -> None:
    result = _services()[service]
    assert float(result["stop_grace_period"].rstrip("s")) > float(result["environment"]["ODEM_SHUTDOWN_SECONDS"])


def test_the_state_store_syncs_every_write_and_throws_nothing_out() -> None:
    lines = (_ROOT / "docker/valkey/valkey.conf").read_text().splitlines()
    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"} <= set(lines)


def test_every_container_has_a_memory_and_a_process_limit() -> None:
    for name, service in _services().items():
        if name != "volumes":
            assert service["mem_limit"], name
            assert service["pids_limit"] > 0, name


def test_workers_and_the_state_store_have_no_way_out() -> None:
    assert _compose()["networks"]["state"] == {"internal": True}
    assert _services()["worker"]["networks"] == _services()["valkey"]["networks"] == ["state"]
    assert "front" in _services()["gateway"]["networks"]


def test_the_state_store_stops_growing_below_its_containers_limit() -> None:
    (limit,) = re.findall(r"^maxmemory (\d+)gb$", (_ROOT / "docker/valkey/valkey.conf").read_text(), re.M)
    assert int(limit) < int(_services()["valkey"]["mem_limit"].rstrip("g"))


def test_the_proxy_bounds_connections_and_requests_and_believes_no_forwarded_address() -> None:
    text = (_ROOT / "docker/nginx/nginx.conf").read_text()
    for line in (
        "limit_conn connections 128;",
        "limit_req zone=requests burst=800 nodelay;",
        "X-Forwarded-For $remote_addr;",
    ):
        assert line in text


def test_the_gateway_believes_the_proxy_and_no_other_address_of_its_network() -> None:
    proxy = _services()["nginx"]["networks"]["front"]["ipv4_address"]
    assert _services()["gateway"]["environment"]["ODEM_TRUSTED_PROXIES"] == proxy
    (subnet,) = (item["subnet"] for item in _compose()["networks"]["front"]["ipam"]["config"])
    default = re.compile(r"\$\{\w+:-(.+)\}")
    network, address = (default.fullmatch(text)[1] for text in (subnet, proxy))  # type: ignore[index]
    assert ipaddress.ip_address(address) in ipaddress.ip_network(network)


def test_workers_get_a_gpu_by_default_and_none_with_the_file_for_cpus() -> None:
    worker = _compose("docker-compose.override.yml")["services"]["worker"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "deploy" not in _services()["worker"]
    assert _compose("docker-compose.cpu.yml")["services"]["worker"]["environment"]["ODEM_DEVICE"] == "cpu"


def test_uploads_stream_through_the_proxy() -> None:
    text = (_ROOT / "docker/nginx/nginx.conf").read_text()
    for line in ("proxy_request_buffering off;", "proxy_buffering off;", "client_max_body_size 0;"):
        assert line in text


def test_the_build_context_has_every_file_that_a_dockerfile_copies() -> None:
    allowed = [line[1:] for line in (_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for file in _DOCKERFILES:
        for source in re.findall(r"^COPY (?!--from)(\S+)", (_ROOT / file).read_text(), re.M):
            assert (_ROOT / source).exists(), source
            assert any(source == path or source.startswith(f"{path}/") for path in allowed), source


def test_the_dashboard_is_provisioned_on_the_data_source_that_it_names() -> None:
    source = yaml.safe_load((_ROOT / "docker/grafana/provisioning/datasources/odem.yml").read_text())["datasources"][0]
    panels = json.loads((_ROOT / "docker/grafana/dashboards/odem.json").read_text())["panels"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert all(panel["targets"] and panel["title"] for panel in panels)


def test_an_image_without_cuda_keeps_every_other_pin_and_its_hashes(tmp_path: Path) -> None:
    others, torch = tmp_path / "others.txt", tmp_path / "torch.txt"
    lock = _ROOT / "requirements" / "worker.txt"
    script = _ROOT / "docker" / "cpu_requirements.py"
    subprocess.run((sys.executable, str(script), str(lock), str(others), str(torch)), check=True)
    names = set(re.findall(r"^([a-z0-9._-]+)==", lock.read_text(), re.M))
    kept = set(re.findall(r"^([a-z0-9._-]+)==", others.read_text(), re.M))
    assert {"torch", "torchvision"} == {line.partition("==")[0] for line in torch.read_text().splitlines()}
    dropped = names - kept - {"torch", "torchvision"}
    assert dropped
    assert all(name.startswith(("nvidia-", "cuda-", "triton")) for name in dropped)
    assert others.read_text().count("--hash=") >= len(kept)
