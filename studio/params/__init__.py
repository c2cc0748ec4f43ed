"""One frozen parameter model a tool, with the same names in pages, command line and REST.

Stored as JSON on the job row together with the version of the model's fields, and read back
through ``studio.tools.registry.load_params``, which knows every older version. Unknown keys are
refused, so a misspelt option is an error and never silently ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from studio.errors import UserInputError
from studio.params.cartoon import CartoonParams, CartoonRegion
from studio.params.common import Choice, HexColour, ImageFormat, ToolParams, unit_of
from studio.params.cutout import CutoutOutput, CutoutParams
from studio.params.faceswap import MESH, FaceChoice, FacesParams, FaceswapParams
from studio.params.inpaint import HOLE_LEVEL, Corner, Filler, InpaintParams, MaskPreset
from studio.params.looks import ALL_LOOKS, Look
from studio.params.upscale import INTERPOLATION, INTERPOLATIONS, NEAREST, UpscaleParams
from studio.text import shown
from studio.validation import fault_in
from studio.words import Message, msg

__all__ = [
    "ALL_LOOKS",
    "HOLE_LEVEL",
    "INTERPOLATION",
    "INTERPOLATIONS",
    "MESH",
    "NEAREST",
    "CartoonParams",
    "CartoonRegion",
    "Choice",
    "Corner",
    "CutoutOutput",
    "CutoutParams",
    "FaceChoice",
    "FacesParams",
    "FaceswapParams",
    "Filler",
    "HexColour",
    "ImageFormat",
    "InpaintParams",
    "Look",
    "MaskPreset",
    "ToolParams",
    "UpscaleParams",
    "read_params",
    "unit_of",
]

_DEEPEST = 4
"""Of parameters that are sent; none of ours is a list of lists."""

P = TypeVar("P", bound=ToolParams)


def read_params(model: type[P], values: Mapping[str, Any]) -> P:
    """Validate ``values``, of one tool, by its ``model``.

    Raises:
        UserInputError: ``params.invalid``, naming the first field at fault.

    """
    tool = model.model_fields["tool"].default
    if values.get("tool", tool) != tool:
        given = shown(str(values["tool"]))
        raise _refusal(
            msg("tool: these are parameters of {given}, not of {tool}", given=given, tool=tool)
        )
    if _is_deeper_than(_DEEPEST, values):
        raise _refusal(
            msg(
                "parameters: lists and objects stand in each other over {most} deep",
                most=_DEEPEST,
            )
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal(
            fault_in(error.errors(include_url=False), whole=msg("parameters"))
        ) from error


def _refusal(reason: Message) -> UserInputError:
    return UserInputError(
        reason, remedy=msg("Correct this value and run again."), code="params.invalid"
    )


def _is_deeper_than(levels: int, value: object) -> bool:
    """Whether containers are nested deeper; looks no further than that."""
    inside = value.values() if isinstance(value, Mapping) else value
    if not isinstance(inside, Iterable) or isinstance(value, str):
        return False
    return levels == 0 or any(_is_deeper_than(levels - 1, one) for one in inside)
