"""Jobs that wait for others, steps that are hidden, and batches that pause."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3b9e4c7d2a10"
down_revision = "5d20c91be7f4"
branch_labels = None
depends_on = None

_STATES = ("queued", "running", "succeeded", "failed", "cancelled")
_FILTERED_BY = ("visibility", "deleted_at", "tool", "state", "starred", "queued_at")
_IS_STEP = "serves_id IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("batches") as batches:
        batches.add_column(
            sa.Column(
                "paused_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="its jobs wait, save running ones",
            )
        )
    _drop_history_indexes()
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(
            sa.Column(
                "serves_id",
                sa.Uuid(),
                nullable=True,
                comment="the run this is a step of; lists leave it out",
            )
        )
        jobs.create_foreign_key(
            op.f("fk_jobs_serves_id"),
            "jobs",
            ["serves_id"],
            ["id"],
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        )
        jobs.drop_constraint(op.f("ck_jobs_jobstate"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_jobstate"), _one_of("waiting", *_STATES))
    op.create_index(
        op.f("ix_jobs_serves_id"),
        "jobs",
        ["serves_id"],
        unique=False,
        sqlite_where=sa.text(_IS_STEP),
        postgresql_where=sa.text(_IS_STEP),
    )
    _create_history_indexes("serves_id", "search_text")
    _create_needs()
    with op.batch_alter_table("job_outputs") as outputs:
        outputs.alter_column(
            "position",
            existing_type=sa.Integer(),
            existing_nullable=False,
            comment="among outputs of this role",
        )
    # No tool has made two files in one role; until now all files of a run were counted.
    op.execute("UPDATE job_outputs SET position = 0")


def downgrade() -> None:
    op.drop_table("job_needs")
    op.execute("UPDATE jobs SET state = 'cancelled' WHERE state = 'waiting'")
    op.drop_index(op.f("ix_jobs_serves_id"), table_name="jobs")
    _drop_history_indexes()
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_constraint(op.f("ck_jobs_jobstate"), type_="check")
        jobs.create_check_constraint(op.f("ck_jobs_jobstate"), _one_of(*_STATES))
        jobs.drop_constraint(op.f("fk_jobs_serves_id"), type_="foreignkey")
        jobs.drop_column("serves_id")
    _create_history_indexes("search_text")
    with op.batch_alter_table("batches") as batches:
        batches.drop_column("paused_at")


def _one_of(*states: str) -> str:
    return f"state IN ({', '.join(repr(state) for state in states)})"


def _create_needs() -> None:
    op.create_table(
        "job_needs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("needed_id", sa.Uuid(), nullable=True, comment="none once that run was purged"),
        sa.Column("output_role", sa.String(length=16), nullable=False),
        sa.Column(
            "output_position", sa.Integer(), nullable=False, comment="among outputs of that role"
        ),
        sa.Column("role", sa.String(length=16), nullable=False, comment="of the input"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_needs_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["needed_id"], ["jobs.id"], name=op.f("fk_job_needs_needed_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_needs")),
        sa.UniqueConstraint(
            "job_id", "role", "position", name=op.f("uq_job_needs_job_id_role_position")
        ),
    )
    op.create_index(op.f("ix_job_needs_needed_id"), "job_needs", ["needed_id"], unique=False)
    op.create_index(
        "ix_job_needs_open",
        "job_needs",
        ["job_id"],
        unique=False,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )


def _create_history_indexes(*last: str) -> None:
    op.create_index("ix_jobs_history", "jobs", ["id", "owner_id", *_FILTERED_BY, *last])
    op.create_index("ix_jobs_owner_history", "jobs", ["owner_id", "id", *_FILTERED_BY, *last])


def _drop_history_indexes() -> None:
    op.drop_index("ix_jobs_history", table_name="jobs")
    op.drop_index("ix_jobs_owner_history", table_name="jobs")
