"""Names of accounts in the form that sign-in asks for, which composes letters once more."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "2f9c64d0b71e"
down_revision = "a07d3be5196c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    users = sa.table("users", sa.column("id", sa.Uuid()), sa.column("name", sa.String()))
    rows = op.get_bind().execute(sa.select(users).order_by(users.c.id)).all()
    taken = {row.name for row in rows}
    for row in rows:
        name = unicodedata.normalize("NFKC", row.name)
        if name not in taken:  # else two accounts look alike: an admin has to choose
            taken.add(name)
            op.execute(sa.update(users).where(users.c.id == row.id).values(name=name))


def downgrade() -> None:
    """Names in the new form are names in the old one."""
