"""Whoever acted is found on the trail, and what they did, without reading all of it"""

from collections.abc import Sequence

from alembic import op

revision: str = "core_0010"
down_revision: str | None = "core_0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_core_audit_entry_actor", "core_audit_entry", ["practice_id", "actor_kind", "actor_id", "seq"]
    )


def downgrade() -> None:
    op.drop_index("ix_core_audit_entry_actor", "core_audit_entry")
