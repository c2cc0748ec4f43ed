"""Looking a chosen model up, and refusing one that is not made for the tool's task."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from studio.errors import ModelUnavailableError, UserInputError
from studio.models.catalogue import Catalogue, ModelSpec, Task
from studio.params import ToolParams
from studio.tools.registry import get_tool
from studio.words import Message, msg, msgs

if TYPE_CHECKING:
    from studio.models.cache import ModelCache


def chosen_model(models: ModelCache, model_id: str, tool: str, task: Task) -> ModelSpec:
    """What the catalogue says of ``model_id``, which ``tool`` can use for ``task``.

    Raises:
        ModelUnavailableError: ``model.unknown``, naming what would do.
        UserInputError: ``model.other_tool``, naming what would do.

    """
    try:
        spec = models.spec(model_id)
    except ModelUnavailableError as error:
        raise _unknown(model_id, _remedy(models, tool, task)) from error
    if tool in spec.tools and task == spec.task:
        return spec
    raise _made_for_other(spec, tool, task, _remedy(models, tool, task))


def require_known(catalogue: Catalogue, params: ToolParams) -> None:
    """Refuse a network that the tool cannot use, whatever is installed: that is not looked at.

    Raises:
        ModelUnavailableError: ``model.unknown``, naming what would do.
        UserInputError: ``model.other_tool``, naming what would do.

    """
    tool = get_tool(params.tool)
    for model_id, made_for in params.networks():
        task = cast("Task", made_for)
        built_in = (one.id for one in tool.built_in_for(task))
        known = (*built_in, *(one.id for one in catalogue.for_tool(tool.name, task)))
        if model_id in known:
            continue
        remedy = msg("Choose from: {models}.", models=known)
        if model_id in catalogue:
            raise _made_for_other(catalogue.get(model_id), tool.name, task, remedy)
        raise _unknown(model_id, remedy)


def _unknown(model_id: str, remedy: Message) -> ModelUnavailableError:
    return ModelUnavailableError(
        msg("There is no model called “{model}”. {remedy}", model=model_id, remedy=remedy),
        code="model.unknown",
    )


def _made_for_other(spec: ModelSpec, tool: str, task: Task, remedy: Message) -> UserInputError:
    return UserInputError(
        msg(
            "The model {model} is for {task}, and {tool} needs one for {needed} here",
            model=spec.id,
            task=spec.task,
            tool=tool,
            needed=task,
        ),
        remedy=remedy,
        code="model.other_tool",
    )


def require_model(models: ModelCache, model_id: str, tool: str, task: Task) -> None:
    """Refuse before any work what ``chosen_model`` and opening the model would refuse later.

    Raises:
        ModelUnavailableError: ``model.unknown``, ``model.missing`` or ``model.damaged``.
        UserInputError: ``model.other_tool``.

    """
    models.require(chosen_model(models, model_id, tool, task).id)


def _remedy(models: ModelCache, tool: str, task: Task) -> Message:
    """What can be chosen at once, by name, and how to see the rest."""
    installed = models.installed_for(tool, task)
    ready = (*(one.id for one in get_tool(tool).built_in_for(task)), *installed)
    others = len(models.known_for(tool, task)) - len(installed)
    command = f"`studio weights list --tool {tool} --task {task}`"
    if not others:
        return msg("Choose from: {models}.", models=ready)
    if not ready:
        return msg("None that would do is installed; {command} shows them all.", command=command)
    return msgs(
        "Choose from: {models}; {n} more can be installed: {command}.",
        "Choose from: {models}; {n} more can be installed: {command}.",
        others,
        models=ready,
        command=command,
    )
