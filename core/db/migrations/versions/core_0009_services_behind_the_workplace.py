"""Who asked for a message, whom a notice names, how consent came, exports of practices, mail of the platform"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "core_0009"
down_revision: str | None = "core_0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("core_notification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("requested_by", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("link_hash", sa.String(length=64), nullable=True))

    with op.batch_alter_table("core_inbox_item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("patient_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            "fk_core_inbox_item_patient",
            "core_patient",
            ["practice_id", "patient_id"],
            ["practice_id", "id"],
            ondelete="CASCADE",
        )

    with op.batch_alter_table("core_contact_state", schema=None) as batch_op:
        batch_op.add_column(sa.Column("consent_how", sa.String(length=8), nullable=True))

    with op.batch_alter_table("core_patient", schema=None) as batch_op:
        batch_op.create_index("ix_core_patient_mobile", ["mobile"], unique=False)

    op.create_table(
        "core_practice_export",
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_by_name", sa.String(length=160), nullable=False),
        sa.Column("parts_done", sa.Integer(), nullable=False),
        sa.Column("parts_total", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("blob", sa.String(length=120), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("failed_owner", sa.String(length=60), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
    )
    with op.batch_alter_table("core_practice_export", schema=None) as batch_op:
        batch_op.create_index("ix_core_practice_export_expiry", ["state", "expires_at"], unique=False)

    op.create_table(
        "core_platform_mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("template", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=80), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("core_platform_mail", schema=None) as batch_op:
        batch_op.create_index("ix_core_platform_mail_due", ["state", "due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("core_platform_mail", schema=None) as batch_op:
        batch_op.drop_index("ix_core_platform_mail_due")

    op.drop_table("core_platform_mail")
    with op.batch_alter_table("core_practice_export", schema=None) as batch_op:
        batch_op.drop_index("ix_core_practice_export_expiry")

    op.drop_table("core_practice_export")
    with op.batch_alter_table("core_patient", schema=None) as batch_op:
        batch_op.drop_index("ix_core_patient_mobile")

    with op.batch_alter_table("core_contact_state", schema=None) as batch_op:
        batch_op.drop_column("consent_how")

    with op.batch_alter_table("core_inbox_item", schema=None) as batch_op:
        batch_op.drop_constraint("fk_core_inbox_item_patient", type_="foreignkey")
        batch_op.drop_column("patient_id")

    with op.batch_alter_table("core_notification", schema=None) as batch_op:
        batch_op.drop_column("link_hash")
        batch_op.drop_column("requested_by")
