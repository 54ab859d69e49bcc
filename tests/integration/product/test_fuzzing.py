"""Schemathesis on the running service with authentication on, bounded; see fuzzing.py for longer runs."""

from pathlib import Path

import pytest

from tests.integration.product.fuzzing import fuzz

_SECONDS = 20
_SEED = 20_260_724


@pytest.mark.slow
def test_every_response_is_documented_and_none_is_a_server_error(tmp_path: Path) -> None:
    result = fuzz(tmp_path, _SECONDS, _SEED)
    print(f"schemathesis: seed {result.seed}, {result.cases} cases")
    assert result.status == 0, result.text
    assert result.cases > 50, result.text
