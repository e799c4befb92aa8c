"""Sign-in and emergency access"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "core_0004"
down_revision: str | None = "core_0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "core_identity_provider",
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("client_id", sa.String(length=200), nullable=False),
        sa.Column("client_secret", sa.String(length=1000), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
        sa.UniqueConstraint("practice_id", name="uq_core_identity_provider"),
    )
    op.create_table(
        "core_invitation",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("given_names", sa.String(length=64), nullable=False),
        sa.Column("family_name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("invited_by", sa.String(length=64), nullable=False),
        sa.Column("invited_by_name", sa.String(length=160), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
        sa.UniqueConstraint("token_hash", name="uq_core_invitation_token"),
    )
    op.create_table(
        "core_known_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "token_hash", name="uq_core_known_device"),
    )
    op.create_table(
        "core_linked_identity",
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
        sa.UniqueConstraint("practice_id", "issuer", "subject", name="uq_core_linked_identity"),
    )
    with op.batch_alter_table("core_linked_identity", schema=None) as batch_op:
        batch_op.create_index("ix_core_linked_identity_user", ["user_id"], unique=False)

    op.create_table(
        "core_passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    with op.batch_alter_table("core_passkey", schema=None) as batch_op:
        batch_op.create_index("ix_core_passkey_user", ["user_id"], unique=False)

    op.create_table(
        "core_password_reset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("core_password_reset", schema=None) as batch_op:
        batch_op.create_index("ix_core_password_reset_user", ["user_id"], unique=False)

    op.create_table(
        "core_recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "code_hash", name="uq_core_recovery_code"),
    )
    op.create_table(
        "core_emergency_access",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=160), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.String(length=160), nullable=True),
        sa.Column("review", sa.String(length=400), nullable=True),
        sa.Column("practice_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practice_id", "patient_id"], ["core_patient.practice_id", "core_patient.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["practice_id"], ["core_practice.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("practice_id", "id"),
    )
    with op.batch_alter_table("core_emergency_access", schema=None) as batch_op:
        batch_op.create_index("ix_core_emergency_access_patient", ["practice_id", "patient_id"], unique=False)
        batch_op.create_index(
            "ix_core_emergency_access_user", ["practice_id", "user_id", "ends_at"], unique=False
        )

    with op.batch_alter_table("core_account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("totp_secret", sa.String(length=400), nullable=True))
        batch_op.add_column(sa.Column("totp_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("totp_step", sa.Integer(), nullable=True))

    with op.batch_alter_table("core_patient", schema=None) as batch_op:
        batch_op.add_column(sa.Column("restricted", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("core_sign_in_session", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("method", sa.String(length=12), server_default="password", nullable=False)
        )
        batch_op.add_column(sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("only_practice", sa.Uuid(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("core_sign_in_session", schema=None) as batch_op:
        batch_op.drop_column("only_practice")
        batch_op.drop_column("locked_at")
        batch_op.drop_column("proven_at")
        batch_op.drop_column("last_seen_at")
        batch_op.drop_column("method")

    with op.batch_alter_table("core_patient", schema=None) as batch_op:
        batch_op.drop_column("restricted")

    with op.batch_alter_table("core_account", schema=None) as batch_op:
        batch_op.drop_column("totp_step")
        batch_op.drop_column("totp_since")
        batch_op.drop_column("totp_secret")
        batch_op.drop_column("password_changed_at")

    with op.batch_alter_table("core_emergency_access", schema=None) as batch_op:
        batch_op.drop_index("ix_core_emergency_access_user")
        batch_op.drop_index("ix_core_emergency_access_patient")

    op.drop_table("core_emergency_access")
    op.drop_table("core_recovery_code")
    with op.batch_alter_table("core_password_reset", schema=None) as batch_op:
        batch_op.drop_index("ix_core_password_reset_user")

    op.drop_table("core_password_reset")
    with op.batch_alter_table("core_passkey", schema=None) as batch_op:
        batch_op.drop_index("ix_core_passkey_user")

    op.drop_table("core_passkey")
    with op.batch_alter_table("core_linked_identity", schema=None) as batch_op:
        batch_op.drop_index("ix_core_linked_identity_user")

    op.drop_table("core_linked_identity")
    op.drop_table("core_known_device")
    op.drop_table("core_invitation")
    op.drop_table("core_identity_provider")
