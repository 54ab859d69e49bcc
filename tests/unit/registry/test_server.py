"""URLs of the state store and of the broker."""

from typing import Any

import pytest
from pydantic import ValidationError

from registry.redis_url import Sentinels, celery_broker, parse_server
from worker.settings import WorkerSettings

_FULL = (
    "rediss+sentinel://us%40er:pa%2Fss@one:1,[::1]:2,three/main%20one/4"
    "?sentinel_username=su&sentinel_password=s%26p&ssl_ca_certs=/ca.pem"
)


@pytest.mark.parametrize("url", ["redis://h:1/2", "rediss://u:p@h/0?ssl_cert_reqs=none", "unix:///a%20b?db=0"])
def test_the_url_of_one_server_is_left_as_it_is(url: str) -> None:
    server = parse_server(url)
    assert (server.url, server.sentinels, server.replicas) == (url, None, 0)
    assert celery_broker(url) == {"broker_url": url}


def test_how_many_replicas_must_have_a_change_is_an_option_of_every_form() -> None:
    assert parse_server("redis://h/0?replicas=1&ssl=a").replicas == 1
    assert parse_server("redis://h/0?replicas=1&ssl=a").url == "redis://h/0?ssl=a"
    assert parse_server("redis+sentinel://h/name?replicas=2").replicas == 2


def test_a_url_with_sentinels_gives_their_addresses_and_credentials() -> None:
    result = parse_server(_FULL + "&replicas=1").sentinels
    assert result == Sentinels(
        addresses=(("one", 1), ("::1", 2), ("three", 26379)),
        name="main one",
        database=4,
        username="us@er",
        password="pa/ss",
        own_username="su",
        own_password="s&p",
        tls=True,
        authorities="/ca.pem",
    )
    tls = {"ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert result.to_servers == {"username": "us@er", "password": "pa/ss", "db": 4} | tls
    assert result.to_sentinels == {
        "username": "su",
        "password": "s&p",
        "socket_timeout": 1.0,
        "socket_connect_timeout": 1.0,
    } | tls  # fmt: skip


def test_sentinels_without_port_database_or_password_are_accepted() -> None:
    result = parse_server("redis+sentinel://one,two/main").sentinels
    assert result is not None
    assert (result.addresses, result.name, result.database) == ((("one", 26379), ("two", 26379)), "main", 0)
    assert result.to_servers == {"db": 0}


def test_celery_gets_the_url_of_every_sentinel_and_the_name_of_the_primary() -> None:
    reported = celery_broker(_FULL)
    options: dict[str, Any] = reported["broker_transport_options"]
    person = "us%40er:pa%2Fss@"
    assert reported["broker_url"] == ";".join(
        f"sentinel://{person}{host}/4" for host in ("one:1", "[::1]:2", "three:26379")
    )
    assert reported["broker_use_ssl"] == {"ssl_ca_certs": "/ca.pem"}
    assert (options["master_name"], options["sentinel_kwargs"]["password"]) == ("main one", "s&p")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis+cluster://a:1,b:2", r"not supported.*redis\+sentinel://"),
        ("sentinel://a:26379", r"redis\+sentinel://"),
        ("redis+sentinel://a:26379", r"host1:26379,host2:26379/name/0"),
        ("redis+sentinel:///name", r"host1:26379,host2:26379/name/0"),
        ("redis+sentinel://a/name/x", r"host1:26379,host2:26379/name/0"),
        ("redis+sentinel://a/name?database=1", "unknown options.*database"),
        ("redis://a?replicas=some", "number"),
        ("redis://a?replicas=-1", "at least 0"),
    ],
)
def test_an_unusable_url_is_refused_at_startup_with_the_accepted_form(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        WorkerSettings(redis_url=url)


@pytest.mark.parametrize("url", ["redis+cluster://a:1", "redis://a/1?replicas=1"])
def test_a_broker_that_celery_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        WorkerSettings(broker_url=url)


def test_a_process_with_an_unusable_setting_names_it_without_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ODEM_REDIS_URL", "redis+sentinel://:secret@a")
    with pytest.raises(SystemExit) as ended:
        WorkerSettings.read()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ODEM_REDIS_URL: write Sentinels as")
    assert "secret" not in message


def test_the_password_from_a_file_is_put_into_a_url_with_sentinels() -> None:
    settings = WorkerSettings.model_validate({"redis_url": "redis+sentinel://a:1,b:2/name/0", "redis_password": "p:@/"})
    result = parse_server(settings.redis_url).sentinels
    assert result is not None
    assert (result.password, len(result.addresses)) == ("p:@/", 2)
