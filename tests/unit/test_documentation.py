"""Documentation: every relative link and anchor resolves, and the index names every page."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = sorted(
    page
    for folder, pattern in (
        (_ROOT, "*.md"),
        (_ROOT / "docs", "**/*.md"),
        (_ROOT / "benchmarks", "*.md"),
        (_ROOT / "clients", "*/*.md"),
    )
    for page in folder.glob(pattern)
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the page's headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", _prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_relative_links_and_anchors_resolve(page: Path) -> None:
    for link in _LINK.findall(_prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(_ROOT), f"{link} leaves the repository"
        if anchor:
            assert anchor in _anchors(target), f"{link}: no such heading"


def test_the_index_names_every_page() -> None:
    index = (_ROOT / "docs" / "README.md").read_text()
    for kind in ("tutorials", "how-to", "reference", "explanation"):
        for page in (_ROOT / "docs" / kind).glob("*.md"):
            assert f"({kind}/{page.name})" in index, f"docs/README.md does not name {kind}/{page.name}"
