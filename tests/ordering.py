"""In which order files run. Loaded by tests/conftest.py.

A file runs in one process (`--dist loadfile`), so what takes minutes has to begin early: otherwise one process works on
at the end while the others are done. Journeys share what they start, so they stay together; those with several
browsers alternate with the others.
"""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EARLY = (
    "tests/journeys",
    "tests/plugins/video_call/line",
    "tests/core/authoring",
    "tests/deploy",
    "tests/faults",
    "tests/attack",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files, the long ones first; tests within a file stay in their order."""
    sizes = Counter(item.path for item in items)
    order = {path: place for place, path in enumerate(_ordered(sizes))}
    items.sort(key=lambda item: order[item.path])


def _ordered(sizes: Counter[Path]) -> list[Path]:
    found: list[Path] = []
    for folder in EARLY:
        inside = sorted(path for path in sizes if path.is_relative_to(ROOT / folder))
        with_several = [path for path in inside if path.name.startswith("test_video_")]
        others = [path for path in inside if path not in with_several]
        found += [path for pair in zip_longest(with_several, others) for path in pair if path is not None]
    rest = [path for path in sizes if path not in set(found)]
    return found + sorted(rest, key=lambda path: (-sizes[path], path))
