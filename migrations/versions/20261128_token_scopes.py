"""Tokens say what they may do; failed sign-ins say what they came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4f0e6a9b73d2"
down_revision = "3b9e4c7d2a10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Tokens made so far could do all that their person can.
    tokens = sa.table("api_tokens", sa.column("scopes", sa.JSON()))
    op.execute(tokens.update().values(scopes=["read", "run", "admin"]))
    _replace_failures("source", "an address, or a browser or session that is known")


def downgrade() -> None:
    tokens = sa.table("api_tokens", sa.column("scopes", sa.JSON()))
    op.execute(tokens.update().values(scopes=[]))
    _replace_failures("ip", None)


def _replace_failures(origin: str, comment: str | None) -> None:
    """They are kept for minutes; nobody misses those of before."""
    op.drop_table("sign_in_failures")
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column(origin, sa.String(length=64), nullable=False, comment=comment),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    for column in (origin, "name"):
        op.create_index(
            op.f(f"ix_sign_in_failures_{column}_at"),
            "sign_in_failures",
            [column, "at"],
            unique=False,
        )
