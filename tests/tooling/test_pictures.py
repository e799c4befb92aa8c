"""The pictures of README and guides: each is made by `make screenshots`, shown somewhere, and small."""

import re
from pathlib import Path

from scripts.tooling.screenshots import IMAGES, LARGEST, PICTURES

ROOT = Path(__file__).resolve().parents[2]


def shown() -> dict[str, str]:
    """The pictures that a page of the docs shows, with what is said of each for those who do not see it."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    picture = re.compile(r"!\[([^\]]*)\]\((?:docs/)?images/([^)]+)\)")
    found = [one for page in pages for one in picture.findall(page.read_text())]
    return {name: words for words, name in found}


def test_every_picture_is_taken_by_the_script_and_shown_by_a_page() -> None:
    taken = {f"{name}.png" for name in PICTURES}
    assert len(taken) == len(PICTURES)
    assert {path.name for path in IMAGES.iterdir()} == taken
    assert shown().keys() == taken
    assert all(len(words) > 10 for words in shown().values()), "words for every picture"


def test_every_picture_is_small() -> None:
    assert {
        path.name: path.stat().st_size for path in IMAGES.glob("*") if path.stat().st_size > LARGEST
    } == {}
