"""Which tools there are: the studio's own, and those of other packages by entry point.

A package adds a tool by an entry point of the group ``darkroom.tools`` that names its
``ToolSpec``. One that cannot be used is left out and said, and never ends the studio.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import EntryPoint, entry_points
from keyword import iskeyword
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from studio.errors import UserInputError
from studio.params import ToolParams, read_params
from studio.params.upgrades import upgrade
from studio.settings import ROOT
from studio.text import shown
from studio.tools.cartoon.spec import SPEC as CARTOON
from studio.tools.cutout.spec import SPEC as CUTOUT
from studio.tools.faces.spec import SPEC as FACES
from studio.tools.faceswap.spec import SPEC as FACESWAP
from studio.tools.inpaint.spec import SPEC as INPAINT
from studio.tools.spec import BuiltIn, Consent, MaskOffer, Reuse, ToolRole, ToolSpec
from studio.tools.upscale.spec import SPEC as UPSCALE
from studio.words import Message, msg, msgs, verbatim

GROUP = "darkroom.tools"
"""Of the entry points by which packages add tools."""

MAX_NAME_CHARS = 32
MAX_ROLE_CHARS = 16
"""Rows hold no longer names."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_ADDRESSES = {"account", "enter", "history", "members", "run", "studio", "weights"} | {
    "api",
    "batches",
    "component",
    "exports",
    "files",
    "healthz",
    "media",
    "pictures",
    "static",
    "thumbnails",
    "weight-files",
}
"""Where other pages and files lie; a tool's page has its name for address."""
_COMMANDS = {"chain"}
"""Of ``studio run``, besides the tools."""
_OPTIONS = {"as_json", "files", "help", "json", "out"}
"""Of every command ``studio run TOOL``, which a role or a parameter would hide."""
_FORM_FIELDS = {"batch_name", "overrides", "params", "params_version", "tool", "visibility"}
"""Of REST, which a role would hide."""

_Part = ToolRole | BuiltIn | Reuse | MaskOffer | Consent

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ToolFault:
    """A tool of another package that cannot be used, and why, as the end of a sentence."""

    package: str
    name: str
    reason: Message

    @property
    def message(self) -> Message:
        """One sentence that names the package."""
        return msg(
            "The tool “{name}” of the package {package} is left out: {reason}.",
            name=self.name,
            package=self.package,
            reason=self.reason,
        )


def collect(
    own: Iterable[ToolSpec], added: Iterable[EntryPoint]
) -> tuple[dict[str, ToolSpec], tuple[ToolFault, ...]]:
    """The tools by name, ``own`` first, and what is wrong with those that are left out."""
    tools = {spec.name: spec for spec in own}
    faults = []
    for entry in sorted(added, key=lambda one: (_package(one), one.name)):
        try:
            spec = entry.load()
            objection = _objection(spec, tools)
        except (Exception, SystemExit) as error:  # a module may end itself as a script does
            fault = f"{type(error).__name__}: {error}"
            objection = msg("it cannot be used ({fault})", fault=fault)
        if objection is None:
            tools[spec.name] = spec
        else:
            faults.append(ToolFault(_package(entry), entry.name, objection))
    return tools, tuple(faults)


def _objection(spec: object, tools: Mapping[str, ToolSpec]) -> Message | None:
    """Why ``spec`` cannot join ``tools``; None when it can."""
    if not isinstance(spec, ToolSpec):
        return msg("it is a {kind} and must be a ToolSpec", kind=type(spec).__name__)
    if spec.name in tools:
        return msg("there is a tool called “{name}” already", name=spec.name)
    return (
        _against_name(spec.name)
        or _against_params(spec)
        or _against_kinds(spec)
        or _against_roles(spec)
        or _against_page(spec.page)
    )


def _against_name(name: str) -> Message | None:
    if not _NAME.fullmatch(name):
        return msg("“{name}” is no name of lower-case letters, digits and hyphens", name=name)
    if len(name) > MAX_NAME_CHARS:
        return _too_long(name, MAX_NAME_CHARS)
    if name in _ADDRESSES | _COMMANDS:
        return msg("a tool may not be called “{name}”", name=name)
    return None


def _too_long(name: str, most_chars: int) -> Message:
    return msgs(
        "“{name}” is longer than {n} character",
        "“{name}” is longer than {n} characters",
        most_chars,
        name=name,
    )


def _against_params(spec: ToolSpec) -> Message | None:
    params = spec.params
    if not (isinstance(params, type) and issubclass(params, ToolParams)):
        return msg("its params must be a class derived from ToolParams")
    tool = params.model_fields.get("tool")
    if tool is None or tool.default != spec.name:
        return msg("the default of its params' field “tool” must be “{name}”", name=spec.name)
    for name in params.model_fields:
        if not _is_option(name):
            return msg("a parameter may not be called “{name}”", name=name)
    return None


def _against_kinds(spec: ToolSpec) -> Message | None:
    """Against a value of another kind than is said, over which pages and REST would stumble."""
    objection = _against_values(spec)
    if objection is not None:
        return objection
    parts: tuple[_Part | None, ...]
    parts = (*spec.roles, *spec.built_in, spec.reuse, spec.mask, spec.consent)
    return next(filter(None, (_against_values(part) for part in parts if part)), None)


def _against_values(part: ToolSpec | _Part) -> Message | None:
    kinds = get_type_hints(type(part))
    for field in fields(part):
        try:
            TypeAdapter(kinds[field.name]).validate_python(getattr(part, field.name), strict=True)
        except ValidationError:
            return msg(
                "“{field}” of its {part} must be {kind}",
                field=field.name,
                part=type(part).__name__,
                kind=str(field.type),
            )
    return None


def _against_roles(spec: ToolSpec) -> Message | None:
    names = [role.name for role in spec.roles]
    taken = _FORM_FIELDS | set(spec.params.model_fields)
    for name in names:
        if not _is_option(name) or name in taken:
            return msg("a role may not be called “{role}”", role=name)
        if len(name) > MAX_ROLE_CHARS:
            return _too_long(name, MAX_ROLE_CHARS)
        if names.count(name) > 1:
            return msg("two of its roles are called “{role}”", role=name)
    if not spec.roles or not spec.roles[0].is_required or spec.roles[0].is_repeatable:
        return msg("its first role must be required and take one file")
    return None


def _against_page(page: str) -> Message | None:
    if page and not (ROOT / page).is_file():
        return msg("there is no file of its page, {page}", page=page)
    return None


def _is_option(name: str) -> bool:
    """Whether a command may have an option of this name."""
    return name.isidentifier() and not iskeyword(name) and name not in _OPTIONS


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module


TOOLS, TOOL_FAULTS = collect(
    (CUTOUT, CARTOON, INPAINT, FACESWAP, UPSCALE, FACES), entry_points(group=GROUP)
)
"""Every tool by name, in the order in which people see them; and what was left out."""

for _fault in TOOL_FAULTS:
    logger.error("%s", _fault.message)

AUXILIARY_TOOLS = tuple(spec.name for spec in TOOLS.values() if spec.is_auxiliary)
"""What lists leave out."""


def get_tool(name: str) -> ToolSpec:
    """The tool called ``name``.

    Raises:
        UserInputError: ``tool.unknown``.

    """
    try:
        return TOOLS[name]
    except KeyError as error:
        raise UserInputError(
            msg("There is no tool called “{name}”", name=shown(name)),
            remedy=msg("Choose one of {tools}.", tools=tuple(TOOLS)),
            code="tool.unknown",
        ) from error


def tool_title(name: str) -> str:
    """The tool's title; the name itself when its package is no longer there."""
    return TOOLS[name].title if name in TOOLS else name


def parse_params(tool: str, values: Mapping[str, Any]) -> ToolParams:
    """Validate ``values`` for ``tool``.

    Raises:
        UserInputError: ``tool.unknown``, or ``params.invalid`` naming the first field at fault.

    """
    return read_params(get_tool(tool).params, values)


def load_params(tool: str, version: int, values: object) -> ToolParams:
    """Parameters on record, as JSON of ``version``, by today's names and meanings.

    Every read of kept parameters goes through here; ``parse_params`` takes those that are
    given now.

    Raises:
        UserInputError: ``tool.unknown``, as the package that brought it may be gone;
            ``params.newer`` when a newer release kept them; or ``params.damaged``.

    """
    model = get_tool(tool).params
    if version > model.version():
        raise UserInputError(
            msg(
                "These parameters are of version {version}, and this studio knows {tool} up to "
                "version {known}",
                version=version,
                tool=tool,
                known=model.version(),
            ),
            remedy=msg("Update the studio."),
            code="params.newer",
        )
    if version < 1 or not isinstance(values, Mapping):
        reason = msg("they are no set of values of a version from 1 (version {n})", n=version)
        raise _damaged(tool, reason)
    try:
        return read_params(model, upgrade(values, version, model.UPGRADES))
    except UserInputError as error:
        raise _damaged(tool, error.reason) from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # from a step
        raise _damaged(tool, verbatim(f"{type(error).__name__}: {error}")) from error


def _damaged(tool: str, reason: Message) -> UserInputError:
    return UserInputError(
        msg("These parameters of {tool} cannot be read: {reason}", tool=tool, reason=reason),
        remedy=msg("Set them anew for another run."),
        code="params.damaged",
    )
