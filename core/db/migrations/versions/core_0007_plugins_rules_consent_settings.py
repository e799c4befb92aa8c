"""Plugins in a practice: the operator's rule, what was agreed to, versions of settings"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "core_0007"
down_revision: str | None = "core_0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("core_practice_plugin", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rule", sa.String(length=8), server_default="", nullable=False))
        batch_op.add_column(sa.Column("agreed", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("settings_version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("settings_kept", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("core_practice_plugin", schema=None) as batch_op:
        batch_op.drop_column("settings_kept")
        batch_op.drop_column("settings_version")
        batch_op.drop_column("agreed")
        batch_op.drop_column("rule")
