"""Keys of outputs that later runs may take over; what was made before is made once more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8d2c5f07a1b6"
down_revision = "c41f8a90d7b6"
branch_labels = None
depends_on = None

_HAS_KEY = "reuse_key IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("job_outputs") as outputs:
        outputs.add_column(
            sa.Column(
                "reuse_key",
                sa.String(length=64),
                nullable=True,
                comment="SHA-256 of all that decided it, where other runs may take it over",
            )
        )
    op.create_index(
        op.f("ix_job_outputs_reuse_key"),
        "job_outputs",
        ["reuse_key"],
        unique=False,
        sqlite_where=sa.text(_HAS_KEY),
        postgresql_where=sa.text(_HAS_KEY),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_job_outputs_reuse_key"), table_name="job_outputs")
    with op.batch_alter_table("job_outputs") as outputs:
        outputs.drop_column("reuse_key")
