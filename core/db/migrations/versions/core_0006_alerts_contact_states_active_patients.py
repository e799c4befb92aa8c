"""Alerts, contact states, active patients"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "core_0006"
down_revision: str | None = "core_0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "core_active_patient",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "patient_id"], ["core_patient.practice_id", "core_patient.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
        sa.UniqueConstraint("practice_id", "user_id", name="uq_core_active_patient"),
    )
    op.create_table(
        "core_contact_state",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("consent", sa.String(length=8), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_by", sa.String(length=160), nullable=True),
        sa.Column("verified_value", sa.String(length=254), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_how", sa.String(length=8), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "patient_id"], ["core_patient.practice_id", "core_patient.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
        sa.UniqueConstraint("practice_id", "patient_id", "channel", name="uq_core_contact_state"),
    )
    op.create_table(
        "core_patient_alert",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=120), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("added_by", sa.String(length=160), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(length=160), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "patient_id"], ["core_patient.practice_id", "core_patient.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
    )
    with op.batch_alter_table("core_patient_alert", schema=None) as batch_op:
        batch_op.create_index("ix_core_patient_alert_patient", ["practice_id", "patient_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("core_patient_alert", schema=None) as batch_op:
        batch_op.drop_index("ix_core_patient_alert_patient")

    op.drop_table("core_patient_alert")
    op.drop_table("core_contact_state")
    op.drop_table("core_active_patient")
