"""Looking a chosen model up, and refusing one that is not made for the tool's task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import ModelUnavailableError, UserInputError
from studio.models.catalogue import ModelSpec, Task
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
        raise ModelUnavailableError(
            msg(
                "There is no model called “{model}”. {remedy}",
                model=model_id,
                remedy=_remedy(models, tool, task),
            ),
            code=error.code,
        ) from error
    if tool in spec.tools and task == spec.task:
        return spec
    raise UserInputError(
        msg(
            "The model {model} is for {task}, and {tool} needs one for {needed} here",
            model=model_id,
            task=spec.task,
            tool=tool,
            needed=task,
        ),
        remedy=_remedy(models, tool, task),
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
