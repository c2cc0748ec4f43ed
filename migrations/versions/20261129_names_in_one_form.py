"""Names of accounts in the form that sign-in asks for, which composes letters once more.

An account whose name is not in that form yet gets a number behind it where another has that name.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Collection
from itertools import count

import sqlalchemy as sa
from alembic import op

revision = "2f9c64d0b71e"
down_revision = "a07d3be5196c"
branch_labels = None
depends_on = None

_MAX_NAME_CHARS = 64

logger = logging.getLogger(__name__)


def upgrade() -> None:
    users = sa.table("users", sa.column("id", sa.Uuid()), sa.column("name", sa.String()))
    rows = op.get_bind().execute(sa.select(users).order_by(users.c.id)).all()
    taken = {row.name for row in rows}
    for row in rows:
        composed = unicodedata.normalize("NFKC", row.name)
        if composed == row.name:
            continue
        name = _free(composed, taken)
        if name != composed:
            logger.warning(
                "the account %s is called “%s” now, as “%s” is taken", row.id, name, composed
            )
        taken.add(name)
        op.execute(sa.update(users).where(users.c.id == row.id).values(name=name))


def _free(name: str, taken: Collection[str]) -> str:
    """``name``, or with the first number behind it that nobody has."""
    if name not in taken:
        return name
    numbered = (f"{name[: _MAX_NAME_CHARS - len(f'-{n}')]}-{n}" for n in count(2))
    return next(other for other in numbered if other not in taken)


def downgrade() -> None:
    """Names in the new form are names in the old one."""
