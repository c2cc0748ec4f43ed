"""What ``--help`` says, in the language of the terminal.

Typer takes English text, as help or from docstrings, when the commands are defined, which is before
anybody knows the language. So the commands are gone over once it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from app.language import said
from studio.words import Message

_composed: dict[str, Message] = {}
"""Help that has values, by its English."""
_SAID = ("help", "short_help", "rich_help_panel")


def help_of(message: Message) -> str:
    """``message`` as help for Typer, which takes text alone; it is known by its English."""
    text = cleandoc(str(message))
    _composed[text] = message
    return text


def translate(command: Any) -> None:  # noqa: ANN401 - Typer has no name for what it makes
    """Have a command, those under it and their options help in the language that is spoken now."""
    for described, name, text in _texts(command):
        setattr(described, name, said(_composed.get(text) or Message(text)))


def sentences(command: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    """What the catalogue needs of the help of these commands; the parts of the rest are marked."""
    for _described, _name, text in _texts(command):
        if text not in _composed:
            yield text


def _texts(command: Any) -> Iterator[tuple[Any, str, str]]:  # noqa: ANN401 - as above
    """Each text of the help: what it describes, under which name, and its words."""
    for described in (command, *command.params):
        for name in _SAID:
            if text := getattr(described, name, None):
                yield described, name, text
    for child in getattr(command, "commands", {}).values():
        yield from _texts(child)
