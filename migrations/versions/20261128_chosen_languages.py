"""Nobody has chosen a language yet: until they do, their browser says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "a07d3be5196c"
down_revision = "e6a1c3f58b20"
branch_labels = None
depends_on = None

_COMMENT = "the language that they chose; none: as the browser says"


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.alter_column(
            "locale", existing_type=sa.String(length=16), nullable=True, comment=_COMMENT
        )
    op.execute("UPDATE users SET locale = NULL")  # was "en" for everybody, and never asked


def downgrade() -> None:
    op.execute("UPDATE users SET locale = 'en'")
    with op.batch_alter_table("users") as users:
        users.alter_column(
            "locale",
            existing_type=sa.String(length=16),
            nullable=False,
            comment=None,
            existing_comment=_COMMENT,
        )
