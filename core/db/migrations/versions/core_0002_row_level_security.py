"""Row-level security: PostgreSQL keeps the practices apart by itself"""

from collections.abc import Sequence

from alembic import op

from core.db import rls, roles

revision: str = "core_0002"
down_revision: str | None = "core_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # It finds the tables by itself, and runs again after every migration: later tables have theirs from there.
    roles.secure(op.get_bind())


def downgrade() -> None:
    rls.unprotect(op.get_bind())
