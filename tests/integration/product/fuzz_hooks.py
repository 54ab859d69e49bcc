"""Hooks of schemathesis: three of four generated names are exchanged for names of things that there are.

Read by the schemathesis command in a process of its own; `FUZZ_THINGS` holds the names as JSON.
"""

import json
import os
from typing import Any
from zlib import crc32

import schemathesis

_THINGS: dict[str, list[Any]] = json.loads(os.environ.get("FUZZ_THINGS", "{}"))


def _exchanged(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    result = {}
    for name, value in values.items():
        known, number = _THINGS.get(name), crc32(repr(value).encode())
        result[name] = known[number % len(known)] if known and number % 4 else value
    return result


@schemathesis.hook
def map_path_parameters(_: Any, value: Any) -> Any:
    return _exchanged(value)


@schemathesis.hook
def map_query(_: Any, value: Any) -> Any:
    return _exchanged(value)


@schemathesis.hook
def map_body(_: Any, value: Any) -> Any:
    return _exchanged(value)


@schemathesis.serializer("application/vnd.safetensors", "application/offset+octet-stream")
def _as_bytes(_: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_load_schema(_: Any, document: dict[str, Any]) -> None:
    """Say of streams of events in schemathesis's words what the document says in those of client generators."""
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation.get("responses", {}).values():
                stream = response.get("content", {}).get("text/event-stream")
                if stream is not None:
                    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": stream["schema"]}
                    stream["schema"] = {"type": "object", "properties": {"data": data}}
