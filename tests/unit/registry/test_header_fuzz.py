"""A few seconds of header fuzzing; for ten minutes run `python -m tests.unit.registry.header_fuzz`."""

import random

import pytest

from tests.unit.registry.header_fuzz import check, read_corpus, run


@pytest.mark.parametrize("number", range(len(read_corpus())))
def test_every_file_of_the_corpus_gives_a_correct_verdict(number: int) -> None:
    check(read_corpus()[number], random.Random(number))


def test_mutated_headers_give_correct_verdicts() -> None:
    outcome = run(3.0, seed=random.randrange(1 << 32), report=print)
    assert outcome.wrong == []
    assert outcome.count > 100
    assert outcome.kinds > 15
