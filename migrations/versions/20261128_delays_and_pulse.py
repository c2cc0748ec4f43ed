"""Jobs that rest until an instant, attempts that count, and workers that are listened to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1b8e4d27c0a3"
down_revision = "7c1f0a52d9e4"
branch_labels = None
depends_on = None

_SPENT = "attempts_spent >= 0 AND attempts_spent <= attempt"
_QUEUED = "state = 'queued'"
_RESTING = "state = 'queued' AND not_before IS NOT NULL"
_DUE = "state = 'queued' AND not_before IS NULL"


def upgrade() -> None:
    op.drop_index("ix_jobs_claim", table_name="jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(
            sa.Column(
                "attempts_spent",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="those that the job itself may have ended; the limit counts these",
            )
        )
        jobs.add_column(
            sa.Column(
                "not_before",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="a queued job rests until then; cleared, and only then counted, "
                "when it is due",
            )
        )
        jobs.alter_column(
            "attempt",
            existing_type=sa.Integer(),
            existing_nullable=False,
            comment="claims so far; fences every write",
        )
        jobs.create_check_constraint(op.f("ck_jobs_attempts_spent_were_made"), _SPENT)
    # Until now every attempt but the running one had been spent.
    op.execute("UPDATE jobs SET attempts_spent = attempt WHERE state <> 'running'")
    op.execute("UPDATE jobs SET attempts_spent = attempt - 1 WHERE state = 'running'")
    _create_claim_index(_DUE)
    op.create_index(
        "ix_jobs_not_before",
        "jobs",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text(_RESTING),
        postgresql_where=sa.text(_RESTING),
    )
    # Whoever is on duty reports again within seconds, under a name that tells it apart.
    op.execute("DELETE FROM workers")
    with op.batch_alter_table("workers") as workers:
        workers.add_column(
            sa.Column(
                "heard_at",
                sa.DateTime(timezone=True),
                nullable=False,
                comment="when it last took a token, or none was to be had",
            )
        )
        workers.alter_column(
            "name",
            existing_type=sa.String(length=128),
            existing_nullable=False,
            comment="lane@host:pid",
        )
    op.create_table(
        "pulse",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unbroken_since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_pulse_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pulse")),
    )


def downgrade() -> None:
    op.drop_table("pulse")
    op.drop_column("workers", "heard_at")
    op.drop_index("ix_jobs_not_before", table_name="jobs")
    op.drop_index("ix_jobs_claim", table_name="jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_attempts_spent_were_made"), type_="check")
        jobs.drop_column("not_before")
        jobs.drop_column("attempts_spent")
    _create_claim_index(_QUEUED)


def _create_claim_index(where: str) -> None:
    op.create_index(
        "ix_jobs_claim",
        "jobs",
        ["lane", "owner_id", sa.literal_column("priority DESC"), "id"],
        unique=False,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
