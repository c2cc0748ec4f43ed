"""Runs migrations: on the connection that ``db.migrate`` hands over, or for the command line."""

from __future__ import annotations

import os
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from db.migrate import belongs_on, exclusive_connection
from db.models import Base


def render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Spell our own types out: a migration must not change when ``db.types`` does."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def run(connection: Connection) -> None:
    """Migrate inside the transaction that ``connection`` has open."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite cannot alter most things in place; batch mode rebuilds the table there, and
        # is plain ALTER on PostgreSQL.
        render_as_batch=True,
        render_item=render_item,
        include_object=belongs_on(connection.dialect.name),
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def command_line_url() -> str:
    """The database a developer named with ``-x url=`` or ``STUDIO_DATABASE_URL``."""
    arguments = context.get_x_argument(as_dictionary=True)
    url = arguments.get("url") or os.environ.get("STUDIO_DATABASE_URL")
    if not url:
        raise SystemExit("Name the database: alembic -x url=sqlite:///data/studio.db ...")
    return str(url)


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    with exclusive_connection(command_line_url()) as opened:
        run(opened)
