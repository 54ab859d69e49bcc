"""What all of the state store's scripts have in common."""

from pathlib import Path

_SCRIPTS = Path(__file__).parents[3] / "registry" / "state" / "scripts"


def test_whatever_takes_a_merge_off_its_queue_leaves_word_for_webhooks() -> None:
    told = {}
    for path in _SCRIPTS.glob("*.lua"):
        text = path.read_text()
        told[path.stem] = (text.count("'LPOP'") + text.count("'LREM'"), text.count("webhook .. '/'"))
    ending = {name: counts for name, counts in told.items() if counts != (0, 0)}
    assert set(ending) >= {"claim", "commit", "end", "cancel"}
    assert all(taken == left for taken, left in ending.values()), ending
