"""The query of POST /merge with a raw body: the merge document, as far as it can be said in a line."""

import json
from typing import Any

from starlette.datastructures import QueryParams

from registry.errors import InvalidRecord

_ONCE = {"lineage", "task", "method", "utility", "calibration"}
_MANY = {"classname": "classnames", "template": "templates"}


def query_document(query: QueryParams) -> bytes:
    """The JSON document that the query stands for. Raises InvalidRecord for what it cannot say.

    `task` is the task's name, `classname` and `template` may come several times, `label` is `key:value`.
    """
    names = [name for name, _ in query.multi_items()]
    unknown = sorted(set(names) - _ONCE - _MANY.keys() - {"label"})
    if unknown:
        known = ", ".join(sorted([*_ONCE, *_MANY, "label"]))
        raise InvalidRecord(
            f"The query has the unknown parameter {unknown[0][:50]!r}. Known are {known}; whatever else a merge says "
            "goes into the JSON part of multipart/form-data."
        )
    twice = next((name for name in _ONCE if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRecord(f"The query has {twice!r} more than once.")
    if "task" not in names:
        raise InvalidRecord("The query of a raw checkpoint must name its task: POST /merge?task=NAME&lineage=...")
    task: dict[str, Any] = {"name": query["task"]}
    task |= {field: query.getlist(name) for name, field in _MANY.items() if name in names}
    task |= {"utility": _number(query["utility"])} if "utility" in names else {}
    document: dict[str, Any] = {"task": task}
    document |= {name: query[name] for name in ("lineage", "calibration") if name in names}
    document |= {"recipe": {"method": query["method"]}} if "method" in names else {}
    document |= {"labels": dict(_pair(label) for label in query.getlist("label"))} if "label" in names else {}
    return json.dumps(document).encode()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidRecord(f"The query's utility {text[:30]!r} is no number.") from error


def _pair(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not colon:
        raise InvalidRecord(f"The query's label {text[:50]!r} is not of the form key:value.")
    return key, value
