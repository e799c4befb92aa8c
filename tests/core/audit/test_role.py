"""The application's role of PostgreSQL can add to the trail and do nothing else with it; SQLite has no roles."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from core import audit, db
from tests.support.house import House

pytestmark = pytest.mark.postgresql


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_audit_entry SET action = 'x'",
        "DELETE FROM core_audit_entry",
        "TRUNCATE core_audit_entry",
        "DELETE FROM core_audit_head",
        "UPDATE core_platform_audit_entry SET action = 'x'",
        "ALTER TABLE core_audit_entry DISABLE ROW LEVEL SECURITY",
        "DROP TABLE core_audit_entry",
    ],
)
def test_the_applications_role_can_only_add(house: House, statement: str) -> None:
    with (
        db.engine().connect() as connection,
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
    ):
        connection.execute(text(statement))
    assert audit.verify(house.riverside).intact
