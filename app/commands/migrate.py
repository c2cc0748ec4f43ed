"""``studio migrate``: the migration step of a deployment."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands.first_admin import greet_first_admin
from db.migrate import current, upgrade
from tasks.services import get_services


def migrate(
    first_admin: Annotated[
        bool,
        typer.Option("--first-admin", help="Also create the admin of a studio without accounts."),
    ] = False,
) -> None:
    """Bring the database to the schema of this version, and make the storage bucket.

    Safe to run at every start and from several machines at once: one migrates, the
    others wait.
    """
    services = get_services()
    services.settings.data_dir.mkdir(parents=True, exist_ok=True)
    url = services.database.url
    before = current(url)
    upgrade(url)
    after = current(url)
    if before == after:
        typer.echo(f"The database is up to date, at revision {after}.")
    else:
        typer.echo(f"The database was brought from {before or 'nothing'} to revision {after}.")
    services.blobs.prepare()
    if first_admin:
        greet_first_admin(services)
