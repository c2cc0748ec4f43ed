from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from app.commands.cli import app
from tests.app.commands.outcome import Studio


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield (*path, name), child
        yield from commands(child, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_for_itself_and_each_option(
    path: tuple[str, ...], studio: Studio
) -> None:
    outcome = studio(*path, "--help")

    assert outcome.code == 0
    assert COMMANDS[path].help
    for parameter in COMMANDS[path].params:
        assert getattr(parameter, "help", "help"), parameter.name


def test_help_lists_every_command_the_manual_names() -> None:
    assert {" ".join(path) for path in COMMANDS} >= {
        "up",
        "run",
        "inspect",
        "jobs list",
        "jobs show",
        "jobs cancel",
        "jobs rerun",
        "jobs share",
        "jobs download",
        "jobs pause",
        "jobs resume",
        "doctor",
        "migrate",
        "weights list",
        "weights pull",
        "weights verify",
        "weights import",
        "user add",
        "user list",
        "user disable",
        "user enable",
        "user reset-password",
    }


def test_unknown_command_is_wrong_usage(studio: Studio) -> None:
    assert studio("dance").code == 2
