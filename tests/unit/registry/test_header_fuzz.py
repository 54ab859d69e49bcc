"""The fuzzer of the header parser, for some seconds; ten minutes: `python -m tests.unit.registry.header_fuzz`."""

import random

import pytest

from tests.unit.registry.header_fuzz import check, read_corpus, run


@pytest.mark.parametrize("number", range(len(read_corpus())))
def test_what_was_once_interesting_is_still_answered_well(number: int) -> None:
    check(read_corpus()[number], random.Random(number))


def test_some_seconds_of_changed_headers_find_nothing_wrong() -> None:
    done = run(3.0, seed=random.randrange(1 << 32), say=print)
    assert done.wrong == []
    assert done.count > 100
    assert done.kinds > 15
