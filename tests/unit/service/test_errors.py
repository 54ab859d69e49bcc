"""The one table from errors to answers."""

import inspect

from registry import errors
from service.errors import ANSWERS


def test_every_error_of_the_core_has_an_answer() -> None:
    classes = {item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, errors.OdemError)}
    assert classes == set(ANSWERS)


def test_problem_types_are_told_apart() -> None:
    kinds = [kind for _, kind, _ in ANSWERS.values()]
    assert len(kinds) == len(set(kinds))


def test_statuses_say_whose_fault_it_is() -> None:
    for error, (status, _, _) in ANSWERS.items():
        client = issubclass(error, errors.NotFound | errors.Conflict | errors.InvalidInput)
        assert 400 <= status < 500 or not client
