"""Somebody in Riverside wants what is Lumière's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.authoring.tenancy import rows_of
from tests.support.house import House
from tests.support.photos import a_request_with_photos


@pytest.fixture
def benali(house: House) -> UUID:
    """A patient of Lumière."""
    return house.patient_id(house.lumiere, "Benali")


@pytest.fixture
def foreign_ids(house: House) -> dict[str, UUID]:
    """A patient, a request and a photo of Lumière, by the names that routes use for them."""
    return a_request_with_photos(house, house.lumiere)


@pytest.fixture
def lumiere_stays_the_same(request: pytest.FixtureRequest, house: House) -> Any:
    """Fails when anything in Lumière has changed by the end of the test; its trail and jobs move by themselves."""
    if "foreign_ids" in request.fixturenames:
        request.getfixturevalue("foreign_ids")
    before = rows_of(house, house.lumiere)
    yield
    assert rows_of(house, house.lumiere) == before
