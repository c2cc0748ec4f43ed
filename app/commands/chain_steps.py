"""``--step 'TOOL …'``: the text of a step, read by the options of its tool."""

from __future__ import annotations

import shlex
from inspect import Signature

import typer

from app.commands.helping import help_of, translate
from app.commands.tool_options import options_of, read_step
from app.commands.workbench import Step
from app.language import _
from studio.tools.registry import TOOLS, get_tool
from studio.words import Message
from tasks.chains import naming_step

_app = typer.Typer(add_completion=False, no_args_is_help=False)


def _add_command(name: str) -> None:
    spec = get_tool(name)

    def command(**given: object) -> Step:
        return read_step(get_tool(name), given)

    # Typer reads a command's options off its signature.
    command.__signature__ = Signature(options_of(spec))  # type: ignore[attr-defined]
    _app.command(name, help=help_of(Message(spec.summary)))(command)


for _name in TOOLS:
    _add_command(_name)


def parse_step(text: str, number: int) -> Step:
    """The step that ``text`` describes, such as ``upscale --scale 2``.

    Wrong usage ends the command as that of any option does, after a request for help was met.

    Raises:
        UserInputError: a parameter does not fit; names the step.

    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        fault = _("step {number} lacks a quotation mark, or ends in a backslash", number=number)
        raise typer.BadParameter(fault, param_hint="--step") from error
    if not words:
        fault = _("step {number} names no tool", number=number)
        raise typer.BadParameter(fault, param_hint="--step")
    command = typer.main.get_command(_app)
    translate(command)
    with naming_step(number):
        step = command.main(words, "--step", standalone_mode=False)
    if not isinstance(step, Step):  # it printed its help
        raise typer.Exit
    return step
