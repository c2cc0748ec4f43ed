"""The chosen model, when it is one for this tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import UserInputError
from studio.models.catalogue import ModelSpec

if TYPE_CHECKING:
    from studio.models.cache import ModelCache


def chosen_model(
    models: ModelCache, model_id: str, tool: str, task: str | None = None
) -> ModelSpec:
    """What the catalogue says of ``model_id``, which is for ``tool`` and, if given, for ``task``.

    Raises:
        ModelUnavailableError: ``model.unknown``.
        UserInputError: ``model.other_tool``.

    """
    spec = models.spec(model_id)
    if tool not in spec.tools or task not in (None, spec.task):
        raise UserInputError(
            f"The model {model_id} is not one for {tool}",
            remedy=f"`studio weights list` shows which are for {tool}.",
            code="model.other_tool",
        )
    return spec
