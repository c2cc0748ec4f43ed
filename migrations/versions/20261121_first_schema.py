"""The whole record: people, files, runs, and what the job machine keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7c1f0a52d9e4"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "users",
    "sessions",
    "sign_in_failures",
    "api_tokens",
    "audit",
    "blobs",
    "drawings",
    "saved_faces",
    "tool_switches",
    "batches",
    "jobs",
    "job_inputs",
    "job_outputs",
    "fair_shares",
    "workers",
)


def upgrade() -> None:
    _create_people()
    _create_files()
    _create_jobs()
    _create_job_indexes()
    _create_job_files()
    _create_machine()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _create_people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False, comment="lower case, for sign-in"),
        sa.Column(
            "role",
            sa.Enum(
                "admin",
                "member",
                "viewer",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("password_hash", sa.String(length=255), nullable=False, comment="argon2id"),
        sa.Column(
            "must_change_password",
            sa.Boolean(),
            nullable=False,
            comment="a one-time password is in force",
        ),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False, comment="SHA-256"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    op.create_index(
        op.f("ix_sign_in_failures_ip_at"), "sign_in_failures", ["ip", "at"], unique=False
    )
    op.create_index(
        op.f("ix_sign_in_failures_name_at"), "sign_in_failures", ["name", "at"], unique=False
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False, comment="SHA-256"),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_audit_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_actor_id_action"), "audit", ["actor_id", "action"], unique=False)
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)


def _create_files() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=True),
        sa.Column("height_px", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_blobs_size_positive")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    op.create_table(
        "drawings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("canvas", sa.JSON(), nullable=False),
        sa.Column(
            "previous_canvas",
            sa.JSON(),
            nullable=True,
            comment="what the canvas held before strokes vanished from it at once",
        ),
        sa.Column("canvas_width_px", sa.Integer(), nullable=False),
        sa.Column("canvas_height_px", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_drawings_blob_sha256")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_drawings_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drawings")),
        sa.UniqueConstraint(
            "owner_id", "blob_sha256", "name", name=op.f("uq_drawings_owner_id_blob_sha256_name")
        ),
    )
    op.create_index(op.f("ix_drawings_blob_sha256"), "drawings", ["blob_sha256"], unique=False)
    op.create_table(
        "saved_faces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_saved_faces_blob_sha256")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_saved_faces_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_faces")),
    )
    op.create_index(
        op.f("ix_saved_faces_blob_sha256"), "saved_faces", ["blob_sha256"], unique=False
    )
    op.create_index(
        op.f("ix_saved_faces_owner_id_created_at"),
        "saved_faces",
        ["owner_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "tool_switches",
        sa.Column("tool", sa.String(length=32), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_tool_switches_changed_by")
        ),
        sa.PrimaryKeyConstraint("tool", name=op.f("pk_tool_switches")),
    )


def _create_jobs() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("tool", sa.String(length=32), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_batches_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(op.f("ix_batches_owner_id"), "batches", ["owner_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "rerun",
                "edit",
                "made_from",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=True,
            comment="why there is a parent",
        ),
        sa.Column("tool", sa.String(length=32), nullable=False),
        sa.Column(
            "model",
            sa.String(length=64),
            nullable=False,
            comment="the params' method, for timings and re-used outputs",
        ),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("params_version", sa.Integer(), nullable=False),
        sa.Column(
            "title", sa.String(length=255), nullable=False, comment="first input's file name"
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                name="jobstate",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "lane",
            sa.Enum(
                "gpu",
                "cpu",
                "maintenance",
                name="lane",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("priority", sa.Integer(), nullable=False, comment="among this owner's own jobs"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=128), nullable=True, comment="who holds the lease"),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False, comment="0 to 1"),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "error_regions",
            sa.JSON(),
            nullable=False,
            comment="parts of the main picture that the error speaks of",
        ),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "record",
            sa.JSON(),
            nullable=True,
            comment="versions, weights, device, seconds, memory of the finished run",
        ),
        sa.Column(
            "visibility",
            sa.Enum(
                "team",
                "private",
                name="visibility",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("sensitivity", sa.String(length=16), nullable=False),
        sa.Column("starred", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column(
            "deleted_at", sa.DateTime(timezone=True), nullable=True, comment="in the trash since"
        ),
        sa.Column(
            "search_text",
            sa.String(length=400),
            nullable=False,
            comment="title, model, batch, tags, note; case-folded",
        ),
        sa.CheckConstraint(
            "(state = 'running') = (lease_expires_at IS NOT NULL)",
            name=op.f("ck_jobs_only_running_jobs_are_leased"),
        ),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_jobs_attempt_not_negative")),
        sa.CheckConstraint(
            "progress >= 0 AND progress <= 1", name=op.f("ck_jobs_progress_is_a_fraction")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_jobs_batch_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_jobs_owner_id")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["jobs.id"], name=op.f("fk_jobs_parent_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )


def _create_job_indexes() -> None:
    op.create_index(
        op.f("ix_jobs_batch_id_id"),
        "jobs",
        ["batch_id", "id"],
        unique=False,
        sqlite_where=sa.text("batch_id IS NOT NULL"),
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_claim",
        "jobs",
        ["lane", "owner_id", sa.literal_column("priority DESC"), "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_jobs_history",
        "jobs",
        [
            "id",
            "owner_id",
            "visibility",
            "deleted_at",
            "tool",
            "state",
            "starred",
            "queued_at",
            "search_text",
        ],
        unique=False,
    )
    op.create_index(
        "ix_jobs_lease",
        "jobs",
        ["lease_expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_owner_history",
        "jobs",
        [
            "owner_id",
            "id",
            "visibility",
            "deleted_at",
            "tool",
            "state",
            "starred",
            "queued_at",
            "search_text",
        ],
        unique=False,
    )
    op.create_index(
        op.f("ix_jobs_parent_id"),
        "jobs",
        ["parent_id"],
        unique=False,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_timings",
        "jobs",
        ["model", "tool", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'succeeded'"),
        postgresql_where=sa.text("state = 'succeeded'"),
    )
    op.create_index(
        "ix_jobs_trash",
        "jobs",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def _create_job_files() -> None:
    op.create_table(
        "job_inputs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.String(length=16),
            nullable=False,
            comment="image, mask, alpha, background, source, target or style",
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_job_inputs_blob_sha256")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_inputs_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_inputs")),
        sa.UniqueConstraint(
            "job_id", "role", "position", name=op.f("uq_job_inputs_job_id_role_position")
        ),
    )
    op.create_index(op.f("ix_job_inputs_blob_sha256"), "job_inputs", ["blob_sha256"], unique=False)
    op.create_table(
        "job_outputs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.String(length=16),
            nullable=False,
            comment="image, alpha, mask, preview or log",
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_sha256"], ["blobs.sha256"], name=op.f("fk_job_outputs_blob_sha256")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_outputs_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_outputs")),
        sa.UniqueConstraint(
            "job_id", "role", "position", name=op.f("uq_job_outputs_job_id_role_position")
        ),
    )
    op.create_index(
        op.f("ix_job_outputs_blob_sha256"), "job_outputs", ["blob_sha256"], unique=False
    )


def _create_machine() -> None:
    op.create_table(
        "fair_shares",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "lane",
            sa.Enum(
                "gpu",
                "cpu",
                "maintenance",
                name="lane",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column(
            "served_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="last claim; never served is first",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_fair_shares_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "lane", name=op.f("pk_fair_shares")),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=128), nullable=False, comment="lane@host"),
        sa.Column("lanes", sa.JSON(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False, comment="jobs it can run at once"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_seen_at"), "workers", ["seen_at"], unique=False)
