"""``studio migrate``: the migration step of a deployment."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.first_admin import greet_first_admin
from app.language import _
from db.migrate import current, upgrade
from studio.words import msg
from tasks.services import get_services


def migrate(
    first_admin: Annotated[
        bool,
        typer.Option("--first-admin", help="Also create the admin of a studio without accounts."),
    ] = False,
) -> None:
    """Bring the database to the schema of this version, and make the bucket or folder of storage.

    Safe to run at every start and from several machines at once: one migrates, the
    others wait.
    """
    services = get_services()
    url = services.database.url
    before = current(url)
    upgrade(url)
    after = current(url)
    if before == after:
        typer.echo(_("The database is up to date, at revision {after}.", after=str(after)))
    else:
        typer.echo(
            _(
                "The database was brought from {before} to revision {after}.",
                before=before or msg("nothing"),
                after=str(after),
            )
        )
    if first_admin:
        greet_first_admin(services)
    services.blobs.prepare()
