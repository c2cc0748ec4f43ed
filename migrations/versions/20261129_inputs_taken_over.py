"""Which inputs nobody gave: the studio took them over from an earlier run.

Of older rows these are the ones that some run has made in the same role.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c58e04b7d913"
down_revision = "7e1b5d92c4a8"
branch_labels = None
depends_on = None

_ROLES = ("alpha", "render")
"""Those that tools of this release make for later runs, and read."""


def upgrade() -> None:
    with op.batch_alter_table("job_inputs") as batch:
        batch.add_column(
            sa.Column(
                "is_taken_over",
                sa.Boolean(),
                nullable=False,
                server_default=sa.false(),
                comment="nobody gave it: an earlier run made it, without having been given one",
            )
        )
    inputs = _table("job_inputs", sa.column("is_taken_over", sa.Boolean()))
    outputs = _table("job_outputs")
    made = sa.exists().where(
        outputs.c.blob_sha256 == inputs.c.blob_sha256, outputs.c.role == inputs.c.role
    )
    op.execute(sa.update(inputs).where(inputs.c.role.in_(_ROLES), made).values(is_taken_over=True))


def _table(name: str, *further: sa.ColumnClause[bool]) -> sa.TableClause:
    files = sa.column("role", sa.String()), sa.column("blob_sha256", sa.String())
    return sa.table(name, *files, *further)


def downgrade() -> None:
    with op.batch_alter_table("job_inputs") as batch:
        batch.drop_column("is_taken_over")
