"""URLs of the state store and the broker.

    redis://user:password@host:6379/0                              one server; also rediss://, unix:///path?db=0
    redis+sentinel://user:password@host1:26379,host2:26379/name/0  the primary that the Sentinels know as
                                                                   `name`; rediss+sentinel:// with TLS to all of them

Options after `?` (of every form: `replicas`): see `Server`.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

_SENTINEL = ("redis+sentinel", "rediss+sentinel")
_CLUSTER = ("redis+cluster", "rediss+cluster")
_SENTINEL_PORT = 26379
_FORM = "redis+sentinel://user:password@host1:26379,host2:26379/name/0"


@dataclass(frozen=True)
class Sentinels:
    """Sentinels, and how to connect to the primary that they know.

    addresses: host and port of each Sentinel. name: of the primary and its replicas.
    own_username, own_password: of the Sentinels themselves; empty if they require none.
    tls: whether Sentinels and servers use TLS. authorities: a file of CA certificates in place of the system's.
    """

    addresses: tuple[tuple[str, int], ...]
    name: str
    database: int
    username: str
    password: str
    own_username: str
    own_password: str
    tls: bool
    authorities: str

    @property
    def to_servers(self) -> dict[str, Any]:
        """redis-py's options of connections to the servers."""
        return _given(username=self.username, password=self.password) | self._tls | {"db": self.database}

    @property
    def to_sentinels(self) -> dict[str, Any]:
        """redis-py's options of connections to the Sentinels; short time-outs, because others may be alive."""
        timeouts = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
        return _given(username=self.own_username, password=self.own_password) | self._tls | timeouts

    @property
    def _tls(self) -> dict[str, Any]:
        return {"ssl": True} | _given(ssl_ca_certs=self.authorities) if self.tls else {}


@dataclass(frozen=True)
class Server:
    """A server, by its URL or by Sentinels.

    url: in redis-py's or kombu's form; not used with Sentinels.
    replicas: how many replicas must have a change before it is acknowledged; an option of the URL, `?replicas=1`.
    """

    url: str
    sentinels: Sentinels | None
    replicas: int


def parse_server(url: str) -> Server:
    """Parse a URL. Raises ValueError, with the correct form."""
    parts = urlsplit(url)
    if parts.scheme in _CLUSTER:
        raise ValueError(
            f"{parts.scheme}:// is not supported: name one server (redis://host:6379/0), or Sentinels ({_FORM}); see "
            "docs/how-to/several-machines.md"
        )
    if parts.scheme not in _SENTINEL and parts.scheme.endswith("sentinel"):
        raise ValueError(f"write Sentinels as {_FORM}, also for the broker")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        replicas = int(options.pop("replicas", "0"))
    except ValueError:
        raise ValueError("replicas= in the URL of the state store must be a number") from None
    if replicas < 0:
        raise ValueError("replicas= in the URL of the state store must be at least 0")
    if parts.scheme in _SENTINEL:
        return Server(url, _sentinels(parts, options), replicas)
    plain = url if "replicas=" not in parts.query else urlunsplit(parts._replace(query=urlencode(options)))
    return Server(plain, None, replicas)


def _sentinels(parts: SplitResult, options: dict[str, str]) -> Sentinels:
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    name, _, database = parts.path.strip("/").partition("/")
    addresses = tuple(_address(host) for host in hosts.split(",") if host)
    if not addresses or not name or not (database or "0").isdecimal():
        raise ValueError(f"write Sentinels as {_FORM}")
    result = Sentinels(
        addresses=addresses,
        name=unquote(name),
        database=int(database or "0"),
        username=unquote(username),
        password=unquote(password),
        own_username=options.pop("sentinel_username", ""),
        own_password=options.pop("sentinel_password", ""),
        tls=parts.scheme.startswith("rediss"),
        authorities=options.pop("ssl_ca_certs", ""),
    )
    if options:
        raise ValueError(f"unknown options in a URL with Sentinels: {', '.join(sorted(options))}")
    return result


def _address(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if not parts.hostname:
        raise ValueError(f"write Sentinels as {_FORM}")
    return parts.hostname, parts.port or _SENTINEL_PORT


def celery_broker(url: str) -> dict[str, Any]:
    """Celery's settings of the broker; merge the caller's own transport options into them.

    Celery takes one `sentinel://` URL per Sentinel, and the primary's name separately. Raises ValueError.
    """
    server = parse_server(url)
    result = server.sentinels
    if server.replicas:
        raise ValueError("replicas= is an option of the state store's URL only")
    if result is None:
        return {"broker_url": server.url}
    person = f"{quote(result.username, safe='')}:{quote(result.password, safe='')}@" if result.password else ""
    urls = [f"sentinel://{person}{_written(host)}:{port}/{result.database}" for host, port in result.addresses]
    sentinels = {key: value for key, value in result.to_sentinels.items() if not key.startswith("ssl")}
    settings: dict[str, Any] = {"broker_url": ";".join(urls)}
    if result.tls:
        settings["broker_use_ssl"] = _given(ssl_ca_certs=result.authorities)
        sentinels |= result.to_sentinels
    return settings | {"broker_transport_options": {"master_name": result.name, "sentinel_kwargs": sentinels}}


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _given(**values: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
