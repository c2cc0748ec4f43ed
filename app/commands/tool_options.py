"""The options of ``studio run TOOL``: one for each input and each parameter of the tool."""

from __future__ import annotations

import json
from enum import Enum
from inspect import Parameter
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from studio.params import ToolParams
from studio.tools.spec import DRAWING_ROLE, ToolSpec

_ROLE_HELP = {
    "alpha": "The alpha that an earlier cutout of this picture left; spares the network.",
    "background": "Picture to put behind the subject.",
    DRAWING_ROLE: "A drawing in the studio's JSON form, as mask.",
    "mask": "Grey picture; white is repainted.",
    "reference": "Picture of the person to look for.",
    "render": "The full render that an earlier run on this picture left; spares drawing again.",
    "source": "Picture of a face to put in; may be repeated.",
}


def further_roles(spec: ToolSpec) -> tuple[str, ...]:
    """The roles that have an option of their own: all but the first, which are the files."""
    return (*spec.required_roles[1:], *spec.optional_roles)


def role_options(spec: ToolSpec) -> list[Parameter]:
    """``--mask FILE`` and its like, in the roles' order."""
    return [_role_option(spec, role) for role in further_roles(spec)]


def parameter_fields(params: type[ToolParams]) -> dict[str, FieldInfo]:
    """What can be set: every field but the tool's name."""
    return {name: field for name, field in params.model_fields.items() if name != "tool"}


def parameter_options(params: type[ToolParams]) -> list[Parameter]:
    """``--strength 0.1..1.0`` and its like; not given means that the model's default holds."""
    return [_parameter_option(name, field) for name, field in parameter_fields(params).items()]


def value(text: object) -> object:
    """Numbers, lists, true, false and null as JSON reads them; everything else is a word."""
    if not isinstance(text, str):
        return text
    try:
        read: object = json.loads(text)
    except json.JSONDecodeError:
        return text
    return read


def _role_option(spec: ToolSpec, role: str) -> Parameter:
    is_repeatable = role in spec.repeatable_roles
    info = typer.Option(
        _flag(role),
        metavar="FILE",
        help=_ROLE_HELP[role],
        rich_help_panel="Inputs",
        show_default=False,
    )
    kind = list[Path] if is_repeatable else Path
    if role in spec.required_roles:
        return _keyword(role, Annotated[kind, info], Parameter.empty)
    return _keyword(role, Annotated[kind | None, info], None)


def _parameter_option(name: str, field: FieldInfo) -> Parameter:
    is_switch = field.annotation is bool
    info = typer.Option(
        f"{_flag(name)}/--no-{_flag(name)[2:]}" if is_switch else _flag(name),
        # Short, and the values go to the help: narrow terminals cut the names off else.
        metavar="" if is_switch else "…",
        help=_help(field),
        rich_help_panel="Parameters",
        show_default=False,
    )
    kind = bool if is_switch else str
    return _keyword(name, Annotated[kind | None, info], None)


def _keyword(name: str, annotation: object, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _help(field: FieldInfo) -> str:
    """What it does, what may be given and what holds otherwise."""
    default = field.default
    shown = default.value if isinstance(default, Enum) else json.dumps(default).strip('"')
    values = "; ".join(filter(None, (", ".join(_values(field)), f"default {shown}")))
    return f"{(field.description or field.title or '').rstrip('.')} ({values})."


def _values(field: FieldInfo) -> list[str]:
    """The words or the span to choose from, as ``0.1 to 1.0``; none where it is free."""
    is_union = get_origin(field.annotation) in (Union, UnionType)
    kinds = get_args(field.annotation) if is_union else (field.annotation,)
    return [word for kind in kinds for word in _words(kind, field)]


def _words(kind: object, field: FieldInfo) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [choice.value for choice in kind]
    if kind in (int, float):
        least, most = (
            next((getattr(limit, name) for limit in field.metadata if hasattr(limit, name)), "any")
            for name in ("ge", "le")
        )
        return [f"{least} to {most}"]
    return []
