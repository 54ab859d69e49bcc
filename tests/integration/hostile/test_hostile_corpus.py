"""One tenant sends every hostile request; the store stays byte-identical, and the other tenant's requests succeed."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import pytest
import redis

from benchmarks.harness.gateway import Gateway
from standalone.valkey import EmbeddedValkey
from tests.integration.access.gateway import gateway_with_keys, send_blob, send_lineage
from tests.integration.hostile.cases import OTHER, OWN, OWN_NEW, Case, all_cases, plain_lineage, plain_merge

_COUNTERS = ("odem:audit:", "odem:{key:", "odem:workers", "odem:figures")
"""Keys of what counts requests and the processes' reports; a refused request may change these alone."""
_GATEWAY_BYTES = 1 << 30
_STATE_BYTES = 64 << 20


@dataclass
class OtherTenant:
    """Reads its lineage and its weights all the time; keeps the statuses and the times."""

    client: httpx.Client
    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for path in (f"/lineages/{OTHER}", f"/models/{OTHER}@0/weights", f"/merges?lineage={OTHER}"):
                begin = time.monotonic()
                self.statuses.append(self.client.get(path).status_code)
                self.seconds.append(time.monotonic() - begin)


@pytest.fixture
def gateway(valkey: EmbeddedValkey, tmp_path: Path) -> Iterator[Gateway]:
    made = gateway_with_keys(valkey, tmp_path / "data", ODEM_RATE_LIMIT="0").start()
    yield made
    print(made.text[-3000:])  # shown when the test has failed
    made.close()


def _stored(server: EmbeddedValkey, data: Path) -> dict[str, bytes]:
    """Every record and every file, byte by byte."""
    with redis.Redis.from_url(server.url) as client:
        names = [name for name in client.scan_iter(count=1000) if not name.decode().startswith(_COUNTERS)]
        records = {name.decode(): client.dump(name) or b"" for name in names}
    files = {str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}
    return records | files


def _send(client: httpx.Client, case: Case, base: str) -> httpx.Response:
    content = None if case.content is None else case.content.replace(b"{base}", base.encode())
    return client.request(case.method, case.path, content=content, headers=case.headers)


def _is_refused(case: Case, response: httpx.Response) -> bool:
    if response.status_code not in case.statuses or response.headers["content-type"] != "application/problem+json":
        return False
    kind = response.json()["type"].removeprefix("/problems/")
    return not case.kinds or kind in case.kinds


def test_every_hostile_request_is_refused_and_changes_nothing_for_anyone(
    gateway: Gateway, valkey: EmbeddedValkey
) -> None:
    _, attacker = gateway.key("admin", OWN, OWN_NEW)
    _, victim = gateway.key("admin", OTHER)
    base = send_blob(attacker, 1)
    send_lineage(attacker, OWN, base)
    send_lineage(victim, OTHER, send_blob(victim, 2))
    before = _stored(valkey, gateway.data)
    cases, wrong = all_cases(), []
    with OtherTenant(victim) as other:
        for case in cases:
            response = _send(attacker, case, base)
            if not _is_refused(case, response):
                wrong.append(f"{case.name}: {response.status_code} {response.text[:200]}")
    slowest = sorted(other.seconds)[int(0.99 * len(other.seconds))]
    print(f"{len(cases)} hostile requests; {len(other.statuses)} of the other tenant, p99 {1000 * slowest:.0f} ms")
    assert wrong == []
    after = _stored(valkey, gateway.data)
    assert {name for name in before | after if before.get(name) != after.get(name)} == set()
    assert set(other.statuses) == {200}
    assert gateway.process.memory_info().rss < _GATEWAY_BYTES
    assert gateway.state.metrics.memory().used < _STATE_BYTES
    assert "Traceback" not in gateway.text
    # Without what makes it hostile, each document is accepted.
    for path, document in (("/lineages", plain_lineage(base=base)), ("/merge", plain_merge(checkpoint=base))):
        assert attacker.post(path, json=document).status_code in {201, 202}
