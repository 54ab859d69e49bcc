"""The parts of the standalone command that are values: settings, restarts, addresses, lines."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standalone.__main__ import read_settings
from standalone.console import Console
from standalone.preflight import CannotListen, check_address
from standalone.readiness import base_url
from standalone.restarts import RestartPolicy
from standalone.settings import Settings
from standalone.valkey import configuration


def test_the_command_line_overrides_the_environment_which_overrides_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ODEM_PORT", "8001")
    monkeypatch.setenv("ODEM_DATA_DIR", "elsewhere")
    settings = read_settings(["--port", "8002"])
    assert (settings.port, settings.data_dir, settings.host) == (8002, Path("elsewhere"), "127.0.0.1")


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_named(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings(["--port", port])
    assert end.value.code == 2
    assert "port: Input should be" in capsys.readouterr().err


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_waits_grow_and_end_with_giving_up() -> None:
    policy = RestartPolicy(limit=5, window=120, first_delay=0.5, longest_delay=3)
    crashes = [float(n) for n in range(6)]
    assert [policy.delay(crashes[: n + 1]) for n in range(6)] == [0.5, 1, 2, 3, 3, None]


@given(gaps=st.lists(st.floats(10.1, 1e6), min_size=1, max_size=50))
def test_crashes_that_are_rare_enough_are_forgiven_for_ever(gaps: list[float]) -> None:
    policy = RestartPolicy(limit=1, window=10)
    crashes = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    assert all(policy.delay(crashes[: n + 1]) == policy.first_delay for n in range(len(crashes)))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("merge.example", "http://merge.example:80"),
    ],
)
def test_the_printed_url_opens_in_a_browser(host: str, url: str) -> None:
    assert base_url(host, 80) == url


def test_a_host_of_another_machine_is_reported() -> None:
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1 port 8000"):
        check_address("192.0.2.1", 8000)


def test_each_line_is_named_and_a_broken_terminal_ignored() -> None:
    stream = io.StringIO()
    Console(stream, colour=False).say("one\ntwo", "worker")
    assert stream.getvalue() == "worker     | one\nworker     | two\n"
    stream.close()
    Console(stream, colour=False).say("nobody reads this")


def test_a_path_cannot_smuggle_a_line_into_the_configuration() -> None:
    text = configuration(Path('/a"\nport 6379'), Path("/s"))
    assert [line for line in text.splitlines() if line.startswith(b"port")] == [b"port 0"]
