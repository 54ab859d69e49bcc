"""Versions of the dependencies whose internals `service/server/` uses, and each internal that it uses.

After an upgrade of one of them the first test fails. Then, for each entry of `INTERNALS`, compare the new source with
the old one: does the name still exist, is it still called when the reason given here says, and does it still mean the
same? Run tests/integration/downloads, tests/integration/uploads and tests/acceptance/test_downloads.py, and only then
change `CHECKED`.
"""

import ast
import inspect
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]

CHECKED = {"uvicorn": "0.54.0", "starlette": "1.10.0", "fastapi": "0.165.0"}
"""The versions for which the use was checked. fastapi is listed because it decides which starlette is installed."""

_PROTOCOL = "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol"
_CYCLE = "uvicorn.protocols.http.httptools_impl:RequestResponseCycle"
_FLOW = "uvicorn.protocols.http.flow_control:FlowControl"
_SERVER = "uvicorn.server:Server"
_FILE = "starlette.responses:FileResponse"

INTERNALS = {
    # Methods that service/server/ overrides
    f"{_PROTOCOL}.__init__": "receives (config, server_state, app_state, _loop); adds the state of a connection",
    f"{_PROTOCOL}.connection_made": "called once per connection, sets transport and flow; adds the ASGI extensions",
    f"{_PROTOCOL}.connection_lost": "called once; wakes a response that waits for its client",
    f"{_PROTOCOL}.data_received": "receives all bytes and feeds the parser; counts the bytes of a head",
    f"{_PROTOCOL}.on_message_begin": "parser callback, makes a new scope; puts the extensions into it",
    f"{_PROTOCOL}.on_header": "parser callback, also called for trailers; ignores those",
    f"{_PROTOCOL}.on_headers_complete": "parser callback, makes the cycle and a task that has not run when it returns",
    f"{_PROTOCOL}.on_body": "parser callback; drops the body of a refused request",
    f"{_PROTOCOL}.on_message_complete": "parser callback; ignores the end of a refused request",
    f"{_PROTOCOL}.send_400_response": "called for what is not HTTP; responds with problem+json",
    f"{_SERVER}.shutdown": "closes listeners, then waits for open responses; event streams are ended before",
    f"{_FILE}.__call__": "handles Range and If-Range and calls one of the _handle methods",
    f"{_FILE}._handle_simple": "sends the whole file; replaced by a zero-copy message",
    f"{_FILE}._handle_single_range": "sends one range, `end` exclusive; replaced by a zero-copy message",
    f"{_FILE}._parse_range_header": "raises MalformedRangeHeader and RangeNotSatisfiable; turned into problem+json",
    # Attributes that it reads or sets
    f"{_PROTOCOL}.transport": "the asyncio transport of the connection",
    f"{_PROTOCOL}.flow": "the FlowControl of the connection",
    f"{_PROTOCOL}.loop": "the event loop, for the timer that ends lingering",
    f"{_PROTOCOL}.scope": "the ASGI scope of the request whose head is parsed",
    f"{_PROTOCOL}.url": "the raw request target, complete in on_headers_complete",
    f"{_PROTOCOL}.headers": "the raw header fields, complete in on_headers_complete",
    f"{_PROTOCOL}.cycle": "the newest request of the connection; None before the first",
    f"{_CYCLE}.send": "ASGI send, looked up on the instance when the task starts; replaced by ResponseSender.send",
    f"{_CYCLE}.transport": "written to and closed by send; replaced by a transport that lingers",
    f"{_CYCLE}.flow": "write_paused and drain() tell whether the client reads",
    f"{_CYCLE}.disconnected": "makes send a no-op and receive return http.disconnect",
    f"{_CYCLE}.message_event": "wakes receive",
    f"{_CYCLE}.more_body": "whether the body has not arrived in full",
    f"{_CYCLE}.response_started": "whether the head of the response is written",
    f"{_CYCLE}.response_complete": "whether the response is written",
    f"{_CYCLE}.expected_content_length": "bytes that Content-Length announced and that are not sent yet",
    f"{_FLOW}.write_paused": "whether the transport's buffer is full",
    f"{_FLOW}.drain": "waits until the buffer has room; woken by connection_lost",
    f"{_FLOW}.resume_reading": "undoes pause_reading, which keeps no count",
    f"{_SERVER}.started": "whether startup succeeded: the exit status",
    f"{_FILE}.chunk_size": "size of the chunks of a response without zero copy",
    f"{_FILE}.path": "the file",
    f"{_FILE}.raw_headers": "headers with Content-Length of the whole file, set before a _handle method is called",
}


def _class(name: str) -> type:
    module, _, path = name.partition(":")
    result: type = getattr(import_module(module), path)
    return result


@pytest.mark.parametrize("package", CHECKED)
def test_the_installed_and_the_locked_version_is_the_one_that_was_checked(package: str) -> None:
    message = f"{package} has changed: check each entry of INTERNALS, as the docstring of this file says."
    assert version(package) == CHECKED[package], message
    for lock in ("gateway", "standalone", "dev"):
        text = (_ROOT / "requirements" / f"{lock}.txt").read_text()
        assert re.findall(rf"^{package}==(\S+)", text, re.MULTILINE) == [CHECKED[package]], f"{lock}.txt: {message}"


@pytest.mark.parametrize("name", INTERNALS)
def test_an_internal_that_is_used_still_exists(name: str) -> None:
    owner, _, attribute = name.rpartition(".")
    result = _class(owner)
    assigned = any(f"self.{attribute}" in inspect.getsource(base) for base in result.__mro__ if base is not object)
    assert hasattr(result, attribute) or assigned, f"{name} ({INTERNALS[name]}) is gone"


def test_every_internal_that_is_used_is_listed() -> None:
    """Names of uvicorn's and starlette's objects that service/server/ overrides or touches."""
    listed = {name.rpartition(".")[2] for name in INTERNALS}
    known = {
        attribute
        for name in {name.rpartition(".")[0] for name in INTERNALS}
        for base in _class(name).__mro__
        if base.__module__.startswith(("uvicorn", "starlette"))
        for attribute in [*vars(base), *re.findall(r"self\.(\w+)", inspect.getsource(base))]
    }
    not_internal = {"status_code", "_transport"}  # public in starlette; an attribute of service/server's own classes
    for path in sorted((_ROOT / "service" / "server").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and _owner(node) in {"self", "cycle", "_cycle", "flow", "super()"}:
                used = node.attr in known and node.attr not in not_internal
                assert not used or node.attr in listed, f"{path.name}:{node.lineno}: {node.attr} is not in INTERNALS"


def _owner(node: ast.Attribute) -> str:
    """The last name before the attribute."""
    return ast.unparse(node.value).rpartition(".")[2]
