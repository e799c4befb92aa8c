"""Who was on a list is found by the trail's entries about lists alone"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "core_0003"
down_revision: str | None = "core_0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OF_SEVERAL = text("subject_type = 'core.patients'")


def upgrade() -> None:
    op.create_index(
        "ix_core_audit_entry_several",
        "core_audit_entry",
        ["practice_id", "seq"],
        sqlite_where=_OF_SEVERAL,
        postgresql_where=_OF_SEVERAL,
    )


def downgrade() -> None:
    op.drop_index("ix_core_audit_entry_several", "core_audit_entry")
