"""Roles are named by the tools, so the columns that hold them list none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7e1b5d92c4a8"
down_revision = "2f9c64d0b71e"
branch_labels = None
depends_on = None

_BEFORE = {
    "job_inputs": "image, mask, alpha, background, source, target or style",
    "job_outputs": "image, alpha, mask, preview or log",
}
_SINCE = "as its tool names it"


def upgrade() -> None:
    for table, before in _BEFORE.items():
        _comment(table, _SINCE, before)


def downgrade() -> None:
    for table, before in _BEFORE.items():
        _comment(table, before, _SINCE)


def _comment(table: str, comment: str, before: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps none
        op.alter_column(
            table,
            "role",
            existing_type=sa.String(length=16),
            existing_nullable=False,
            comment=comment,
            existing_comment=before,
        )
