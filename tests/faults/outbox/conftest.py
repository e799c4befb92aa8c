from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.clinic import Clinic, open_clinic


@pytest.fixture
def clinic(database_url: str, tmp_path: Path) -> Iterator[Clinic]:
    """On the test's own migrated database."""
    with open_clinic(database_url, tmp_path) as opened:
        yield opened
