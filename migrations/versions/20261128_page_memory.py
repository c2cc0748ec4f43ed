"""What people left on the pages of tools: options, and pictures in trays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c41f8a90d7b6"
down_revision = "4f0e6a9b73d2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "page_memory",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("tool", sa.String(length=32), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("params_version", sa.Integer(), nullable=False),
        sa.Column(
            "from_id", sa.Uuid(), nullable=True, comment="the run that the options started from"
        ),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_page_memory_owner_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("owner_id", "tool", name=op.f("pk_page_memory")),
    )
    op.create_table(
        "tray_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "tray",
            sa.String(length=64),
            nullable=False,
            comment="the tool, and a role beside its main",
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "blob_sha256",
            sa.String(length=64),
            nullable=True,
            comment="none once it lay unused for too long",
        ),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_tray_files_owner_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_tray_files_blob_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tray_files")),
    )
    op.create_index(
        op.f("ix_tray_files_owner_id_tray_position"), "tray_files", ["owner_id", "tray", "position"]
    )
    op.create_index(op.f("ix_tray_files_blob_sha256"), "tray_files", ["blob_sha256"])
    op.create_index(op.f("ix_tray_files_kept_at"), "tray_files", ["kept_at"])


def downgrade() -> None:
    op.drop_table("tray_files")
    op.drop_table("page_memory")
