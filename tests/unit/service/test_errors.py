"""The one table from errors to answers."""

import inspect
import json

from registry import errors
from service.http.problems import PROBLEM_TYPES
from service.operations.openapi import example_errors
from service.pipeline.error_handlers import problem_for


def test_every_error_of_the_core_has_a_problem_type() -> None:
    classes = {item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, errors.OdemError)}
    assert classes == set(PROBLEM_TYPES)


def test_problem_types_are_distinct() -> None:
    kinds = [kind for _, kind, _ in PROBLEM_TYPES.values()]
    assert len(kinds) == len(set(kinds))


def test_statuses_say_whose_fault_it_is() -> None:
    for error, (status, _, _) in PROBLEM_TYPES.items():
        client = issubclass(error, errors.NotFound | errors.Conflict | errors.InvalidInput)
        assert 400 <= status < 500 or not client


def test_every_error_has_an_example_in_the_document() -> None:
    examples = example_errors()
    assert {type(error) for error in examples} == set(PROBLEM_TYPES)
    assert len(examples) == len(PROBLEM_TYPES)


def test_a_problem_has_the_title_of_the_table_and_the_detail_of_the_error() -> None:
    response = problem_for(errors.MergeEnded("mrg_1", "failed"))
    body = json.loads(bytes(response.body))
    assert (response.status_code, body["type"], body["status"]) == (409, "/problems/merge-ended", 409)
    assert body["detail"] == "Merge mrg_1 has already ended: failed."
