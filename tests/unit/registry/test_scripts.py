"""Properties of the state store's scripts as texts."""

from pathlib import Path

_SCRIPTS = Path(__file__).parents[3] / "registry" / "state" / "scripts"


def test_only_one_script_ends_merges_and_it_also_writes_webhook_deliveries() -> None:
    ending = {}
    for path in _SCRIPTS.glob("*.lua"):
        text = path.read_text()
        counts = (text.count("'LPOP'") + text.count("'LREM'"), text.count("webhook .. '/'"))
        if counts != (0, 0):
            ending[path.stem] = counts
    assert ending == {"finish_merge": (1, 1)}
