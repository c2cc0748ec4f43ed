"""The first admin, and how the person at the terminal learns the one-time password."""

from __future__ import annotations

import typer

from app.language import _
from app.people.accounts import ensure_first_admin
from tasks.services import Services


def greet_first_admin(services: Services) -> None:
    """Create the admin of a studio without accounts and say how to sign in; else do nothing."""
    settings = services.settings
    password = ensure_first_admin(services)
    if password is None:
        return
    typer.echo(
        _(
            "First start. Sign in as “{name}” with a one-time password; you choose your own when "
            "you first sign in.",
            name=settings.admin_name,
        )
    )
    if settings.admin_password is None:
        typer.echo(_("It is not shown again:\n\n    {password}\n", password=password))
    else:
        typer.echo(_("It is the one in STUDIO_ADMIN_PASSWORD."))
