"""Logging configuration: plain lines, or one JSON object per line, with the ids that are bound in the context.

Fields of a JSON line: time (ISO 8601, UTC), level, logger, message; the bound ids (request, merge, lineage, attempt);
`error` with a traceback; in access logs client, method, path, status.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TextIO
from urllib.parse import quote

LogFormat = Literal["plain", "json"]
_PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_ACCESS = "uvicorn.access"
_bound: ContextVar[Mapping[str, str]] = ContextVar("odem.log", default=MappingProxyType({}))


@contextmanager
def bound(**ids: str | None) -> Iterator[None]:
    """Bind ids to every line that this thread or task logs in the block; None is left out."""
    token = _bound.set(dict(_bound.get()) | {name: value for name, value in ids.items() if value is not None})
    try:
        yield
    finally:
        _bound.reset(token)


def escape_control_characters(value: Any) -> Any:
    """A string with every character that is not printable percent-encoded; other values as they are."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(one if one.isprintable() else quote(one, safe="", errors="replace") for one in value)


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.name == _ACCESS and isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, _, status = record.args
            line |= {"client": client, "method": method, "path": path, "status": status}
        line |= dict(_bound.get())
        if (request := getattr(record, "request_id", "-")) != "-":
            line["request"] = request
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def handler(form: LogFormat, stream: TextIO | None = None) -> logging.Handler:
    """A handler that writes lines in this format to a stream, by default stderr."""
    made = logging.StreamHandler(stream)
    made.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(_PLAIN))
    return made
