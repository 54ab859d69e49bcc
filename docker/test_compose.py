"""`make test-compose`: the composition on a real engine, on the CPU, from building its images to tearing it down.

Builds both images, starts Valkey, the gateway, two workers, the proxy and Prometheus, merges real checkpoints in two
lineages, kills a worker and the state store in the middle of merges, restarts everything, and verifies every version.
It uses a project name, ports and secrets of its own, and leaves no container and no volume behind.
"""

import argparse
import hashlib
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DEADLINE = 300.0
_REQUEST = f"trial-{secrets.token_hex(4)}"
_EMPTY_WITHOUT = {"GPU memory of workers": "a GPU", "Failed merges, 1 h": "a failure"}
"""Panels of the dashboard that show nothing here, and what they would need."""
ENDED = {"succeeded", "failed", "rejected", "cancelled"}


def say(text: str) -> None:
    """A line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def run(*command: str, **more: Any) -> str:
    """Run a command and return what it wrote; fail with all of it when its status is not 0."""
    result = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if result.returncode:
        sys.exit(
            f"{' '.join(command)}\nended with {result.returncode}:\n{result.stdout[-4000:]}{result.stderr[-4000:]}"
        )
    return result.stdout.strip()


def eventually(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + deadline
    while not (matches := condition()):
        if time.monotonic() > end:
            sys.exit(f"not within {deadline:g} s: {what}")
        time.sleep(0.2)
    return matches


def free_port() -> str:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Composition:
    """A project of this run, from a copy of the compose files whose secrets are its own."""

    def __init__(self, folder: Path) -> None:
        self.name = f"odemtest{secrets.token_hex(3)}"
        self.folder = folder
        for name in (".dockerignore", "docker-compose.yml", "docker-compose.cpu.yml"):
            shutil.copy(ROOT / name, folder)
        for name in ("docker", "requirements", "merging", "registry", "service", "worker"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (folder / "docker" / "secrets").iterdir():
            file.unlink()
        folder.chmod(0o755)
        run(str(folder / "docker" / "secrets.sh"))
        v2 = subprocess.run(("docker", "compose", "version"), capture_output=True, check=False).returncode == 0
        files = ("-f", "docker-compose.yml", "-f", "docker-compose.cpu.yml")
        profiles = ("--profile", "proxy", "--profile", "observability")
        self._command = (*(("docker", "compose") if v2 else ("docker-compose",)), *files, "-p", self.name, *profiles)
        self.ports = {name: free_port() for name in ("ODEM_PORT", "PROMETHEUS_PORT", "TLS_PORT")}
        self._environment = os.environ | self.ports | {
            "ODEM_TLS_ADDRESS": f"127.0.0.1:{self.ports['TLS_PORT']}",
            "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        self.url = f"http://127.0.0.1:{self.ports['ODEM_PORT']}"

    def __call__(self, *arguments: str) -> str:
        """Run a command of compose; its output."""
        return run(*self._command, *arguments, cwd=self.folder, env=self._environment)

    def containers(self, service: str) -> list[str]:
        """Ids of a service's running containers."""
        return self("ps", "-q", service).split()

    def healthy(self, service: str, count: int) -> bool:
        """Whether as many of a service's containers are healthy."""
        matches = [inspect(each)["State"].get("Health", {}).get("Status") for each in self.containers(service)]
        return matches.count("healthy") >= count


def inspect(name: str) -> dict[str, Any]:
    """What the engine knows of a container or an image."""
    matches: dict[str, Any] = json.loads(run("docker", "inspect", name))[0]
    return matches


class Client:
    """The service over HTTP, by the standard library alone."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def ask(
        self, path: str, body: bytes | None = None, kind: str = "application/json", **more: Any
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of a GET, or of a POST when there is a body."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind, "X-Request-Id": _REQUEST}
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60, **more) as response:
                return response.status, response.read(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)
        except (urllib.error.URLError, OSError) as error:
            return 0, str(error).encode(), {}

    def json(self, path: str, document: Any = None) -> Any:
        """The document that answers; ends the test for anything but success."""
        status, body, _ = self.ask(path, None if document is None else json.dumps(document).encode())
        if status not in {200, 201, 202}:
            sys.exit(f"{path}: {status} {body.decode(errors='replace')[:2000]}")
        return json.loads(body)

    def send(self, file: Path) -> str:
        """A file's digest, once the server has it."""
        status, body, _ = self.ask("/blobs", file.read_bytes(), "application/vnd.safetensors")
        if status != 201:
            sys.exit(f"POST /blobs: {status} {body.decode()}")
        return str(json.loads(body)["digest"])

    def state(self, merge: str) -> dict[str, Any]:
        """How a merge stands; nothing while the service is away."""
        status, body, _ = self.ask(f"/merges/{merge}")
        return json.loads(body) if status == 200 else {}


class Trial:
    """What is done with the running composition. `results` is what it measured."""

    def __init__(self, compose: Composition, example: Path) -> None:
        self._compose = compose
        self._example = example
        self._client = Client(compose.url, "")
        self._merges: list[str] = []
        self.results: dict[str, Any] = {}

    def build(self) -> None:
        """Both images."""
        started = time.monotonic()
        self._compose("build", "gateway", "worker")
        self.results["seconds to build"] = round(time.monotonic() - started)

    def look_at_images(self) -> None:
        """The images are unprivileged and labelled."""
        for name in ("gateway", "worker"):
            image = inspect(f"odem-{name}:{os.environ.get('ODEM_VERSION', '0.2.0')}")
            self.results[f"{name} image"] = f"{image['Size'] / 1e6:.0f} MB"
            assert image["Config"]["User"] == "10001:10001", "images must not run as root"
            assert image["Config"]["Labels"]["org.opencontainers.image.title"] == f"odem {name}"

    def start(self) -> None:
        """Up, until the gateway is ready and both workers are healthy."""
        started = time.monotonic()
        self._compose("up", "-d", "--no-build", "--scale", "worker=2", "valkey", "gateway", "worker")
        eventually(lambda: self._client.ask("/readyz")[0] == 200, "/readyz")
        self.results["seconds to a ready gateway"] = round(time.monotonic() - started, 1)
        eventually(lambda: self._compose.healthy("worker", 2), "two healthy workers")
        self.results["seconds to two healthy workers"] = round(time.monotonic() - started, 1)
        for service in ("gateway", "worker", "valkey"):
            for each in self._compose.containers(service):
                host = inspect(each)["HostConfig"]
                assert host["ReadonlyRootfs"], f"{service} can write to its root file system"
                assert host["CapDrop"] == ["ALL"], f"{service} has capabilities"
                environment = "\n".join(inspect(each)["Config"]["Env"])
                password = (self._compose.folder / "docker" / "secrets" / "odem_redis_password").read_text()
                assert password not in environment + str(inspect(each)["Args"]), f"{service} tells its password"
        assert self._client.ask("/merges")[0] == 401, "everybody may ask"
        self._client = Client(self._compose.url, self._key("admin"))

    def _key(self, scope: str) -> str:
        command = ("exec", "-T", "gateway", "python", "-m", "registry.admin", "keys", "create", "--name", scope)
        return self._compose(*command, "--scope", scope).splitlines()[-1]

    def watch(self) -> None:
        """Proxy and Prometheus, which needs a key of its own."""
        (self._compose.folder / "docker" / "secrets" / "prometheus_key").write_text(self._key("read"))
        self._compose("up", "-d", "--no-build", "--no-deps", "nginx", "prometheus")

    def create(self) -> None:
        """Two lineages, so that both workers have something to do."""
        base = self._client.send(self._example / "base.safetensors")
        document = json.loads((self._example / "lineage.json").read_text()) | {"base": base}
        for name in ("default", "second"):
            self._client.json("/lineages", document | {"name": name})

    def merge(self, lineage: str, task: str) -> str:
        """Send a merge; returns its id."""
        files = {"checkpoint": f"{task}.safetensors", "calibration": f"{task}.calibration.safetensors"}
        document = json.loads((self._example / f"{task}.merge.json").read_text()) | {"lineage": lineage}
        document |= {name: self._client.send(self._example / file) for name, file in files.items()}
        merge = str(self._client.json("/merge", document)["id"])
        self._merges.append(merge)
        return merge

    def wait(self, merge: str, *states: str) -> dict[str, Any]:
        """Until a merge is in one of these states."""
        matches = eventually(
            lambda: (seen := self._client.state(merge)).get("state") in (*states, *ENDED) and seen, f"{merge}: {states}"
        )
        assert matches["state"] in states, f"{merge}: {matches}"
        return dict(matches)

    def merge_all(self) -> None:
        """The examples' merges in both lineages, with two workers."""
        started = time.monotonic()
        merges = [self.merge(lineage, task) for task in ("digits", "stripes") for lineage in ("default", "second")]
        for merge in merges:
            self.wait(merge, "succeeded")
        self.results["seconds for four merges, two workers"] = round(time.monotonic() - started, 1)

    def kill_worker(self) -> None:
        """SIGKILL the worker that runs a merge: the other one must end it."""
        merge = self.merge("default", "digits")
        self.wait(merge, "running")
        logs = {each: f"docker logs {each} 2>&1" for each in self._compose.containers("worker")}
        (victim,) = eventually(
            lambda: [each for each, command in logs.items() if merge in run("sh", "-c", command)], "who runs it"
        )
        run("docker", "kill", "--signal", "KILL", victim)
        killed = time.monotonic()
        matches = self.wait(merge, "succeeded")
        assert matches["attempt"] == 2, matches["attempt"]
        # The engine does not restart what was killed by hand.
        run("docker", "start", victim)
        self.results["seconds from a worker's SIGKILL to its merge's success"] = round(time.monotonic() - killed, 1)

    def kill_store(self) -> None:
        """SIGKILL Valkey in the middle of a merge and start it again: nothing acknowledged may be missing."""
        merge = self.merge("second", "digits")
        self.wait(merge, "running")
        (store,) = self._compose.containers("valkey")
        run("docker", "kill", "--signal", "KILL", store)
        status, body, _ = self._client.ask("/lineages")
        assert status == 503, (status, body)
        run("docker", "start", store)
        self.wait(merge, "succeeded")

    def restart(self) -> None:
        """Stop everything in good order and start it again."""
        started = time.monotonic()
        self._compose("stop", "worker", "gateway", "valkey")
        self.results["seconds to stop"] = round(time.monotonic() - started, 1)
        self._compose("start", "valkey", "gateway", "worker")
        eventually(lambda: self._client.ask("/readyz")[0] == 200, "/readyz after the restart")

    def verify(self) -> None:
        """Every merge ended well, every version's bytes are those of its record, and `verify` finds nothing."""
        for merge in self._merges:
            assert self._client.state(merge)["state"] == "succeeded"
        count = 0
        for lineage in ("default", "second"):
            for version in self._client.json(f"/models?lineage={lineage}")["versions"]:
                name = f"{lineage}@{version['number']}"
                status, body, headers = self._client.ask(f"/models/{name}/weights")
                digest = "sha256:" + hashlib.sha256(body).hexdigest()
                assert status == 200, (name, status)
                assert headers["etag"] == f'"{digest}"', name
                assert version["weights"] == digest, name
                count += 1
        assert count == 8, count
        output = self._compose("exec", "-T", "gateway", "python", "-m", "registry.admin", "verify")
        assert output.endswith("no problems"), output
        self.results["versions verified"] = count

    def lose_everything(self) -> None:
        """Back up, delete every container and volume, restore, verify; then the next merge."""
        self._compose("stop", "worker", "gateway", "valkey")
        image = f"odem-gateway:{os.environ.get('ODEM_VERSION', '0.2.0')}"
        volumes = ("-v", f"{self._compose.name}_data:/data", "-v", f"{self._compose.name}_valkey:/valkey")
        tar = ("docker", "run", "--rm", "--user", "0", "--entrypoint", "tar", *volumes, "-v")
        position = f"{self._compose.folder}:/backup"
        run(*tar, position, image, "-C", "/", "--numeric-owner", "-cf", "/backup/odem.tar", "data", "valkey")
        self._compose("down", "--volumes", "--timeout", "5")
        for name in ("data", "valkey"):
            run("docker", "volume", "create", f"{self._compose.name}_{name}")
        run(*tar, position, image, "-C", "/", "--numeric-owner", "-xf", "/backup/odem.tar")
        started = time.monotonic()
        self._compose("up", "-d", "--no-build", "--scale", "worker=2", "valkey", "gateway", "worker")
        eventually(lambda: self._client.ask("/readyz")[0] == 200, "/readyz after the restoration")
        self.verify()
        self.wait(self.merge("default", "stripes"), "succeeded")
        self.results["seconds from a restored volume to the next merge's success"] = round(
            time.monotonic() - started, 1
        )

    def look_at_the_rest(self) -> None:
        """The proxy's TLS, and Prometheus's own data."""
        context = ssl.create_default_context(cafile=str(self._compose.folder / "docker/secrets/tls_certificate"))
        tls = f"https://localhost:{self._compose.ports['TLS_PORT']}"
        with urllib.request.urlopen(f"{tls}/readyz", timeout=10, context=context) as response:
            assert response.status == 200
        assert Client(tls, "").ask("/metrics", context=context)[0] == 404, "the proxy tells metrics to everybody"
        count = str(len(self._merges))
        query = 'sum(odem_merges_total{outcome="succeeded"})'
        eventually(lambda: [item["value"][1] for item in self._query(query)] == [count], f"{count} merges: {query}", 60)
        self.results["merges that Prometheus knows"] = len(self._merges)
        panels = json.loads((ROOT / "docker" / "grafana" / "dashboards" / "odem.json").read_text())["panels"]
        expected = [panel for panel in panels if panel["title"] not in _EMPTY_WITHOUT]
        for panel in expected:
            asked = [target["expr"].replace("$__rate_interval", "5m") for target in panel["targets"]]
            eventually(lambda asked=asked: all(map(self._query, asked)), f"data in the panel {panel['title']!r}", 60)
        self.results["panels of the dashboard with data"] = f"{len(expected)} of {len(panels)}"

    def _query(self, expression: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self._compose.ports['PROMETHEUS_PORT']}/api/v1/query?"
        with urllib.request.urlopen(url + urllib.parse.urlencode({"query": expression}), timeout=10) as response:
            matches: list[dict[str, Any]] = json.load(response)["data"]["result"]
        return matches

    def follow_a_request(self) -> None:
        """The id of a request stands in the gateway's lines and, with its merge, in the worker's."""
        for service, merges in (("gateway", {None}), ("worker", set(self._merges))):
            text = "\n".join(run("sh", "-c", f"docker logs {each} 2>&1") for each in self._compose.containers(service))
            lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            assert any(line.get("request") == _REQUEST and line.get("merge") in merges for line in lines), text[-2000:]


def main() -> int:
    """Run all of it, and print the results."""
    parser = argparse.ArgumentParser(prog="make test-compose", description=__doc__)
    parser.add_argument(
        "--example", type=Path, default=ROOT / ".cache" / "composition", help="where the files are kept"
    )
    parser.add_argument("--keep", action="store_true", help="leave the composition running, to look at it")
    parser.add_argument("--use-images", action="store_true", help="try the images that there are, without a build")
    arguments = parser.parse_args()
    if subprocess.run(("docker", "info"), capture_output=True, check=False).returncode:
        sys.exit("There is no Docker engine that answers. Start one, then try again.")
    example: Path = arguments.example.absolute()
    if not (example / "lineage.json").exists():
        say("training the examples' models")
        run(sys.executable, "-m", "examples.files", str(example), cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        compose = Composition(Path(folder))
        trial = Trial(compose, example)
        steps = [
            trial.build,
            trial.look_at_images,
            trial.start,
            trial.watch,
            trial.create,
            trial.merge_all,
            trial.follow_a_request,
            trial.kill_worker,
            trial.kill_store,
            trial.restart,
            trial.verify,
            trial.look_at_the_rest,
            trial.lose_everything,
        ]
        steps = steps[1:] if arguments.use_images else steps
        try:
            for step in steps:
                say((step.__doc__ or "").splitlines()[0])
                step()
        except BaseException:
            print(subprocess.run((*compose._command, "logs", "--tail=60"), cwd=compose.folder, env=compose._environment,
                                 capture_output=True, text=True, check=False).stdout[-12000:])  # fmt: skip
            raise
        finally:
            if arguments.keep:
                say(f"left running: project {compose.name}, {compose.ports}, files in {folder}")
                input("Enter to tear it down ")
            say("tearing down")
            compose("down", "--volumes", "--remove-orphans", "--timeout", "5")
    for name, value in trial.results.items():
        print(f"{name:>55}: {value}")
    print(f"{len(steps)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
