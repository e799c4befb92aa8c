"""Links that were sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import db, links
from tests.core.links.sent import Sent
from tests.support.house import House


@pytest.fixture
def send(house: House) -> Callable[[str], Sent]:
    def make(family_name: str = "Whitfield") -> Sent:
        patient_id = house.patient_id(house.riverside, family_name)
        with house.at(house.riverside):
            issued = links.issue("photo_request.photos", patient_id, db.uuid7())
        return Sent(house, issued.link.id, issued.url.removeprefix(house.settings.base_url))

    return make


@pytest.fixture
def sent(send: Callable[[], Sent]) -> Sent:
    return send()
