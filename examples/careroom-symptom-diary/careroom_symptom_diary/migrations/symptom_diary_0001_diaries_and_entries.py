"""Diaries and entries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "symptom_diary_0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = ("symptom_diary",)
depends_on: str | Sequence[str] | None = "core_0001"


def upgrade() -> None:
    op.create_table(
        "symptom_diary_diary",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("started_by_name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("scales", sa.JSON(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
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
    with op.batch_alter_table("symptom_diary_diary", schema=None) as batch_op:
        batch_op.create_index(
            "ix_symptom_diary_diary_patient", ["practice_id", "patient_id", "created_at"], unique=False
        )
    op.create_table(
        "symptom_diary_entry",
        sa.Column("diary_id", sa.Uuid(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("readings", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("alerts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "diary_id"],
            ["symptom_diary_diary.practice_id", "symptom_diary_diary.id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
        sa.UniqueConstraint("practice_id", "diary_id", "on_day", name="uq_symptom_diary_entry_day"),
    )


def downgrade() -> None:
    op.drop_table("symptom_diary_entry")
    with op.batch_alter_table("symptom_diary_diary", schema=None) as batch_op:
        batch_op.drop_index("ix_symptom_diary_diary_patient")
    op.drop_table("symptom_diary_diary")
