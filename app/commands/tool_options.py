"""The options of ``studio run TOOL``: one for each input and each parameter of the tool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from inspect import Parameter
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from app.commands.helping import help_of
from app.commands.workbench import Step
from studio.params import ToolParams
from studio.tools.registry import parse_params
from studio.tools.spec import ToolRole, ToolSpec
from studio.words import Message, Value, msg


def options_of(spec: ToolSpec) -> list[Parameter]:
    """Typer's options for a tool: those of its files, then those of its parameters.

    ``--ROLE FILE`` for each file after the main one, ``--NAME VALUE`` or ``--NAME/--no-NAME`` for
    each parameter. A file is the text as typed, or a list of these for a role that may be given
    several times; a required one has no default, so that Typer ends the command when it is
    missing. A parameter is the text as typed, or a truth; None where it was not given.
    """
    further = [_role_option(role) for role in _further_roles(spec)]
    return further + [_parameter_option(*item) for item in _fields(spec.params).items()]


def read_step(spec: ToolSpec, given: Mapping[str, Any]) -> Step:
    """What was typed for the options of ``options_of``, by their names, as a tool to run.

    What was not given keeps the parameters' default.

    Raises:
        UserInputError: ``params.invalid``, naming the parameter, or what the tool itself says is
            lacking.

    """
    typed = {name: given[name] for name in _fields(spec.params) if given[name] is not None}
    params = parse_params(spec.name, {name: _value(text) for name, text in typed.items()})
    further = [
        (role.name, file) for role in _further_roles(spec) for file in _files(given[role.name])
    ]
    if lack := params.lacks({spec.main_role, *(role for role, _file in further)}):
        raise lack
    return Step(spec, params, further)


def _further_roles(spec: ToolSpec) -> tuple[ToolRole, ...]:
    """The tool's input roles after the main one, which is the command's argument."""
    return spec.roles[1:]


def _files(given: str | list[str] | None) -> list[str]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _fields(params: type[ToolParams]) -> dict[str, FieldInfo]:
    """The fields of ``params`` that a command sets, by name: all but the tool's own name."""
    return {name: field for name, field in params.model_fields.items() if name != "tool"}


def _value(text: object) -> object:
    """What a typed option means: its JSON value where the text is JSON, else the text itself.

    So ``3``, ``[1, null]`` and ``true`` become a number, a list and a truth, and ``webp`` stays
    a word. Anything but a text is returned as it is.
    """
    if not isinstance(text, str):
        return text
    try:
        read: object = json.loads(text)
    except json.JSONDecodeError:
        return text
    return read


def _role_option(role: ToolRole) -> Parameter:
    info = typer.Option(
        _flag(role.name),
        metavar="FILE",
        help=help_of(Message(role.help)),
        rich_help_panel="Inputs",
        show_default=False,
    )
    kind = list[str] if role.is_repeatable else str
    if role.is_required:
        return _keyword(role.name, Annotated[kind, info], Parameter.empty)
    return _keyword(role.name, Annotated[kind | None, info], None)


def _parameter_option(name: str, field: FieldInfo) -> Parameter:
    is_switch = field.annotation is bool
    info = typer.Option(
        f"{_flag(name)}/--no-{_flag(name)[2:]}" if is_switch else _flag(name),
        # Short, and the values go to the help: narrow terminals cut the names off else.
        metavar="" if is_switch else "…",
        help=help_of(_help(field)),
        rich_help_panel="Parameters",
        show_default=False,
    )
    kind = bool if is_switch else str
    return _keyword(name, Annotated[kind | None, info], None)


def _keyword(name: str, annotation: object, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _help(field: FieldInfo) -> Message:
    """The field's description, its allowed values and its default, as help."""
    default = field.default
    shown = default.value if isinstance(default, Enum) else json.dumps(default).strip('"')
    what = Message(field.description or field.title or "")
    values = tuple(_values(field))
    if not values:
        return msg("{what} (default: {default})", what=what, default=shown)
    return msg(
        "{what} (values: {values}; default: {default})", what=what, values=values, default=shown
    )


def _values(field: FieldInfo) -> list[Value]:
    """The allowed values of the field in words, such as ``0.1 to 1.0``; empty for any text."""
    is_union = get_origin(field.annotation) in (Union, UnionType)
    kinds = get_args(field.annotation) if is_union else (field.annotation,)
    return [word for kind in kinds for word in _words(kind, field)]


def _words(kind: object, field: FieldInfo) -> list[Value]:
    """As text that is typed: no language writes its numbers otherwise."""
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [choice.value for choice in kind]
    if kind in (int, float):
        least, most = (
            next((getattr(limit, name) for limit in field.metadata if hasattr(limit, name)), None)
            for name in ("ge", "le")
        )
        if least is not None and most is not None:
            return [msg("{least} to {most}", least=str(least), most=str(most))]
    return []
