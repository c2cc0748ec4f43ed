"""The role of the input that a run works on, on its row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "e6a2f10c94d8"
down_revision = "8d2c5f07a1b6"
branch_labels = None
depends_on = None

_COMMENT = "of the input that it works on and is named after"
_OWN_ROLE = """
UPDATE jobs SET main_role = (
    SELECT role FROM job_inputs WHERE job_id = jobs.id ORDER BY id LIMIT 1
)
WHERE EXISTS (SELECT 1 FROM job_inputs WHERE job_id = jobs.id)
AND NOT EXISTS (SELECT 1 FROM job_inputs WHERE job_id = jobs.id AND role = 'image')
"""
"""Only a tool of another package may have called it anything else. Its file was written first."""


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(
            sa.Column(
                "main_role",
                sa.String(16),
                nullable=False,
                server_default="image",  # no old row has to be written for the common case
                comment=_COMMENT,
            )
        )
    op.execute(_OWN_ROLE)
    with op.batch_alter_table("jobs") as jobs:
        jobs.alter_column(
            "main_role", existing_type=sa.String(16), existing_nullable=False, server_default=None
        )


def downgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("main_role")
