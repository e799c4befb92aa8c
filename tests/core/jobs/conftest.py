from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.clinic import Clinic, open_clinic


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with open_clinic(f"sqlite:///{tmp_path / 'careroom.db'}", tmp_path) as opened:
        yield opened
