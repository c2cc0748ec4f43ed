"""Why a job failed is kept as a sentence with its values, in JSON."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from studio.words import Message

revision = "e6a1c3f58b20"
down_revision = "e6a2f10c94d8"
branch_labels = None
depends_on = None

_AS_IT_STANDS = "replace(replace(error_message, '{', '{{'), '}', '}}')"
_ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    # What older releases wrote has no values to keep; as a template it says what it said.
    build = {
        "sqlite": f"json_object('text', {_AS_IT_STANDS})",
        "postgresql": f"CAST(json_build_object('text', {_AS_IT_STANDS}) AS text)",
    }[op.get_bind().dialect.name]
    op.execute(f"UPDATE jobs SET error_message = {build} WHERE error_message IS NOT NULL")  # noqa: S608


def downgrade() -> None:
    jobs = sa.table("jobs", sa.column("id", sa.Uuid()), sa.column("error_message", sa.Text()))
    rows = sa.select(jobs).where(jobs.c.error_message.is_not(None)).order_by(jobs.c.id)
    change = (
        sa.update(jobs)
        .where(jobs.c.id == sa.bindparam("job_id"))
        .values(error_message=sa.bindparam("sentence"))
    )
    page = op.get_bind().execute(rows.limit(_ROWS_AT_ONCE)).all()
    while page:
        said = [
            {"job_id": row.id, "sentence": str(Message.from_json(json.loads(row.error_message)))}
            for row in page
        ]
        op.get_bind().execute(change, said)
        after = rows.where(jobs.c.id > page[-1].id)
        page = op.get_bind().execute(after.limit(_ROWS_AT_ONCE)).all()
