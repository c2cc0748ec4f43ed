"""The chosen model, when it is one for this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import UserInputError
from studio.models.catalogue import ModelSpec, Task

if TYPE_CHECKING:
    from studio.models.cache import ModelCache


def chosen_model(models: ModelCache, model_id: str, tool: str, task: Task) -> ModelSpec:
    """What the catalogue says of ``model_id``, which ``tool`` can use for ``task``.

    Raises:
        ModelUnavailableError: ``model.unknown``.
        UserInputError: ``model.other_tool``, naming those that would do.

    """
    spec = models.spec(model_id)
    if tool in spec.tools and task == spec.task:
        return spec
    fitting = ", ".join(other.id for other in models.known_for(tool, task))
    raise UserInputError(
        f"The model {model_id} is for {spec.task}, and {tool} needs one for {task} here",
        remedy=f"Choose one of {fitting}; "
        f"`studio weights list --tool {tool} --task {task}` tells more of them.",
        code="model.other_tool",
    )


def require_model(models: ModelCache, model_id: str, tool: str, task: Task) -> None:
    """Refuse before any work what ``chosen_model`` and opening the model would refuse later.

    Raises:
        ModelUnavailableError: ``model.unknown``, ``model.missing`` or ``model.damaged``.
        UserInputError: ``model.other_tool``.

    """
    models.require(chosen_model(models, model_id, tool, task).id)
