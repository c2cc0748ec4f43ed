"""One frozen parameter model a tool, with the same names in pages, command line and REST.

Stored as JSON on the job row together with ``PARAMS_VERSION``; unknown keys are refused,
so a misspelt option is an error and never silently ignored.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from studio.errors import UserInputError
from studio.params.cartoon import ALL_LOOKS, CartoonParams, CartoonRegion, Look
from studio.params.common import HexColour, ImageFormat, ToolParams
from studio.params.cutout import CutoutOutput, CutoutParams
from studio.params.faceswap import MESH, FaceChoice, FacesParams, FaceswapParams
from studio.params.inpaint import HOLE_LEVEL, Corner, Filler, InpaintParams, MaskPreset
from studio.params.upscale import INTERPOLATION, UpscaleParams

__all__ = [
    "ALL_LOOKS",
    "HOLE_LEVEL",
    "INTERPOLATION",
    "MESH",
    "PARAMS_VERSION",
    "AnyParams",
    "CartoonParams",
    "CartoonRegion",
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
    "parse_params",
]

PARAMS_VERSION = 1
"""Raised when a field changes meaning; old rows are then migrated before re-use."""

_Params = (
    CartoonParams | CutoutParams | FacesParams | FaceswapParams | InpaintParams | UpscaleParams
)
AnyParams = Annotated[_Params, Field(discriminator="tool")]
_adapter: TypeAdapter[_Params] = TypeAdapter(AnyParams)


def parse_params(tool: str, values: dict[str, Any]) -> _Params:
    """Validate ``values`` for ``tool``.

    Raises:
        UserInputError: ``params.invalid``, naming the first field at fault.

    """
    try:
        return _adapter.validate_python({**values, "tool": tool})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        parts = [part for part in first["loc"] if part != tool]
        # People count from 1.
        words = [f"item {part + 1}" if isinstance(part, int) else part for part in parts]
        field = ", ".join(words) or "parameters"
        raise UserInputError(
            f"{field}: {first['msg'].removeprefix('Value error, ')}",
            remedy="Correct this value and run again.",
            code="params.invalid",
        ) from error
