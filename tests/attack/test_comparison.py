"""What the attacks are judged by does see a change."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import update

from core.patients import Patient
from tests.attack.conftest import rows_of
from tests.support.house import House


@pytest.mark.both_databases
def test_the_comparison_of_rows_sees_a_change(house: House, benali: UUID) -> None:
    before = rows_of(house, house.lumiere)
    assert rows_of(house, house.lumiere) == before
    with house.at(house.lumiere) as session:
        session.execute(update(Patient).where(Patient.id == benali).values(sex="unknown"))
    after = rows_of(house, house.lumiere)
    assert [table for table in after if after[table] != before[table]] == ["core_patient"]
