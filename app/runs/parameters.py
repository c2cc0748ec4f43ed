"""The parameters of a run on record: read with today's names, and told in other forms."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.runs.reading import main_input
from db.models import Job
from studio.errors import UserInputError
from studio.params import ToolParams
from studio.tools.registry import load_params
from studio.words import Message


@dataclass(frozen=True, slots=True)
class Described:
    """A parameter as people read it.

    Attributes:
        is_main: whether it decides the result before all the rest, whatever its value.
        is_changed: whether the value is not the default.
        words: what the value means, where that is not plain.

    """

    name: str
    title: str
    value: object
    is_main: bool = False
    is_changed: bool = False
    words: Message | None = None


def params_of(job: Job) -> ToolParams:
    """What the run was told.

    Raises:
        UserInputError: ``tool.unknown``, ``params.newer`` or ``params.damaged``.

    """
    return load_params(job.tool, job.params_version, job.params)


def find_params(job: Job) -> ToolParams | None:
    """As ``params_of``; None where they cannot be read, which ``params_fault`` explains."""
    try:
        return params_of(job)
    except UserInputError:
        return None


def params_fault(job: Job) -> UserInputError | None:
    """Why the parameters of the run cannot be read; None when they can."""
    try:
        params_of(job)
    except UserInputError as error:
        return error
    return None


def values_of(job: Job) -> dict[str, Any]:
    """The parameters by name, as JSON: by today's names where they can be read, else as kept."""
    params = find_params(job)
    if params is not None:
        return params.model_dump(mode="json")
    return job.params if isinstance(job.params, dict) else {}


def initial_values(job: Job) -> dict[str, Any]:
    """What a form for another run starts with; nothing where the parameters cannot be read."""
    params = find_params(job)
    return {} if params is None else params.model_dump(mode="json")


def version_of(job: Job) -> int:
    """The version of the names and meanings that ``values_of`` gives."""
    params = find_params(job)
    return job.params_version if params is None else params.version()


def recipe(job: Job) -> dict[str, Any]:
    """What to run, without on which picture: tool and parameters, under their public names."""
    params = {name: value for name, value in values_of(job).items() if name != "tool"}
    return {"tool": job.tool, "params_version": version_of(job), "params": params}


def command_line(job: Job) -> str:
    """``studio run`` as it would repeat the run, beside copies of the files that it read.

    Raises:
        UserInputError: as ``params_of`` does.

    """
    return command(job.tool, job, options_of(job))


def command(what: str, job: Job, options: Sequence[str]) -> str:
    """``studio run WHAT`` with ``options``, on the picture that ``job`` works on.

    ``PHOTO`` stands for one that has yet to be made.
    """
    main = main_input(job)
    name = main.file_name if main else "PHOTO"
    if name.startswith("-"):  # after this mark it is read as a name
        return shlex.join(["studio", "run", what, *options, "--", name])
    return shlex.join(["studio", "run", what, name, *options])


def options_of(job: Job, made: Mapping[tuple[str, int], str] | None = None) -> list[str]:
    """The further files of the run and what its parameters change, as options of its tool.

    ``made`` names, by role and position, files that are made by an earlier step.

    Raises:
        UserInputError: as ``params_of`` does.

    """
    params, words = params_of(job), list[str]()
    files = {(file.role, file.position): file.file_name for file in job.inputs} | dict(made or {})
    files.pop((job.main_role, 0), None)
    for (role, _position), name in sorted(files.items()):
        words += [_flag(role), name]
    for name, value in params:
        if value == type(params).model_fields[name].get_default():
            continue
        if isinstance(value, bool):
            words.append(_flag(name if value else f"no-{name}"))
        else:
            words += [_flag(name), value if isinstance(value, str) else json.dumps(value)]
    return words


def described_params(job: Job) -> Sequence[Described]:
    """Every parameter that decided something; as kept, by name, where they cannot be read.

    First what does the work and the tool's main choices, then what was changed, then the rest;
    in each the tool's own before the form of the file.
    """
    params = find_params(job)
    if params is None:
        kept = values_of(job).items()
        return [Described(name, name, value, is_main=True) for name, value in kept]
    unused = {"tool", *params.without_effect()}
    main = (params.METHOD_FIELD, *params.MAIN_FIELDS)
    found = [
        Described(
            name,
            field.title or name,
            value,
            name in main,
            value != field.get_default(),
            params.in_words(name),
        )
        for name, field in type(params).model_fields.items()
        if name not in unused
        for value in [getattr(params, name)]
    ]
    return sorted(found, key=partial(_rank, main))


def _rank(main: Sequence[str], one: Described) -> tuple[int, bool, bool]:
    place = main.index(one.name) if one.is_main else len(main)
    return place, not one.is_changed, one.name in ToolParams.model_fields


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
