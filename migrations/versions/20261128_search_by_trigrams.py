"""Words are found by their trigrams on PostgreSQL, where its extension pg_trgm may be made."""

from __future__ import annotations

import logging

from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "5d20c91be7f4"
down_revision = "1b8e4d27c0a3"
branch_labels = None
depends_on = None

logger = logging.getLogger(__name__)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DBAPIError as error:
        # Searches stay right without it, and slow at a million runs.
        logger.warning("history searches go without pg_trgm: %s", error.orig)
        return
    op.create_index(
        "ix_jobs_search_trigrams",
        "jobs",
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX IF EXISTS ix_jobs_search_trigrams")
