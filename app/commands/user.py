"""``studio user``: accounts, for the operator at the machine."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.commands.database import ready_services
from app.commands.layout import columns
from app.language import _, said
from app.people import accounts
from db.types import Role
from studio.words import N_, Message

app = typer.Typer(help="Add, list, disable and mend accounts.", no_args_is_help=True)

_ENABLED, _DISABLED = N_("enabled"), N_("disabled")

Name = Annotated[str, typer.Argument(help="The account's name.")]


@app.command()
def add(
    name: Name,
    role: Annotated[
        Role, typer.Option(help="Viewers look, members run, admins manage.")
    ] = Role.MEMBER,
) -> None:
    """Add an account and print its one-time password, once."""
    account = accounts.create_user(ready_services(), name, role)
    typer.echo(
        _("{name} ({role}) can sign in with the one-time password:", name=account.name, role=role)
    )
    typer.echo(account.one_time_password)


@app.command("list")
def list_users(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List all accounts."""
    rows = [
        (user.name, user.role.value, _DISABLED if user.disabled_at else _ENABLED)
        for user in accounts.everybody(ready_services())
    ]
    if as_json:
        keys = ("name", "role", "state")
        typer.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        return
    lines = [(name, role, said(Message(state))) for name, role, state in rows]
    typer.echo(columns([(_("NAME"), _("ROLE"), _("STATE")), *lines]))


@app.command()
def disable(name: Name) -> None:
    """Shut an account and end its sessions; its runs stay."""
    services = ready_services()
    accounts.disable(services, accounts.find_user(services, name).id)
    typer.echo(_("{name} is disabled and signed out everywhere.", name=name))


@app.command()
def enable(name: Name) -> None:
    """Open a disabled account again, with the password it had."""
    services = ready_services()
    accounts.enable(services, accounts.find_user(services, name).id)
    typer.echo(_("{name} can sign in again.", name=name))


@app.command("reset-password")
def reset_password(name: Name) -> None:
    """Give an account a new one-time password, print it once, and end its sessions."""
    services = ready_services()
    password = accounts.reset_password(services, accounts.find_user(services, name).id)
    typer.echo(_("{name} can sign in with the one-time password:", name=name))
    typer.echo(password)
