"""The chosen model, when it is one for this."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from studio.errors import ModelUnavailableError, UserInputError
from studio.models.catalogue import ModelSpec, Task
from studio.params import ALL_LOOKS, INTERPOLATION, MESH, Filler, Look

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

BUILT_IN: Mapping[tuple[str, Task], tuple[str, ...]] = MappingProxyType(
    {
        ("cartoon", "cartoon"): (*Look, ALL_LOOKS),
        ("faceswap", "face-swap"): (MESH,),
        ("inpaint", "inpainting"): tuple(Filler),
        ("upscale", "super-resolution"): (INTERPOLATION,),
    }
)
"""By tool and task: what may be chosen in place of a model of the catalogue."""


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
            f"There is no model called “{model_id}”. {_remedy(models, tool, task)}",
            code=error.code,
        ) from error
    if tool in spec.tools and task == spec.task:
        return spec
    raise UserInputError(
        f"The model {model_id} is for {spec.task}, and {tool} needs one for {task} here",
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


def _remedy(models: ModelCache, tool: str, task: Task) -> str:
    """What can be chosen at once, by name, and how to see the rest."""
    installed = models.installed_for(tool, task)
    ready = ", ".join([*BUILT_IN.get((tool, task), ()), *installed])
    others = len(models.known_for(tool, task)) - len(installed)
    listed = f"`studio weights list --tool {tool} --task {task}`"
    if not others:
        return f"Choose from: {ready}."
    if not ready:
        return f"None that would do is installed; {listed} shows them all."
    return f"Choose from: {ready}; {others} more can be installed: {listed}."
