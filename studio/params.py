"""One frozen parameter model a tool, with the same names in pages, command line and REST.

Stored as JSON on the job row together with ``PARAMS_VERSION``; unknown keys are refused,
so a misspelt option is an error and never silently ignored.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from studio.errors import UserInputError

PARAMS_VERSION = 1
"""Raised when a field changes meaning; old rows are then migrated before re-use."""

INTERPOLATION = "interpolation"
"""The upscale model that is no network and needs no weights: classic interpolation."""

HexColour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class ImageFormat(StrEnum):
    """File formats the studio writes."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class CutoutOutput(StrEnum):
    """What a cutout puts behind the subject."""

    TRANSPARENT = "transparent"
    MASK = "mask"
    COLOUR = "colour"
    BLUR = "blur"
    PICTURE = "picture"


class ToolParams(BaseModel):
    """What all tools share: the form of the encoded result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: ImageFormat = Field(default=ImageFormat.PNG, title="Format")
    quality: int = Field(
        default=90,
        ge=1,
        le=100,
        title="Quality",
        description="For JPEG and WebP; 100 makes WebP lossless.",
    )


class CutoutParams(ToolParams):
    """Background removal: which network finds the subject, and how its edge is finished.

    Only ``model`` needs a network; every other field re-uses a stored alpha.
    """

    tool: Literal["cutout"] = "cutout"
    model: str = Field(default="isnet", title="Model")
    output: CutoutOutput = Field(default=CutoutOutput.TRANSPARENT, title="Background")
    colour: HexColour = Field(
        default="#ffffff", title="Colour", description="Background when output is colour."
    )
    blur_px: float = Field(
        default=12,
        ge=1,
        le=100,
        title="Blur px",
        description="Gaussian sigma in source pixels when output is blur.",
    )
    feather_px: float = Field(
        default=0, ge=0, le=50, title="Feather px", description="Softens the edge of the alpha."
    )
    shift_px: float = Field(
        default=0,
        ge=-20,
        le=20,
        title="Shift px",
        description="Moves the edge outwards (positive) or inwards (negative).",
    )
    despill: bool = Field(
        default=True,
        title="Despill",
        description="Gives soft edges the subject's own colour instead of the old background's.",
    )
    keep_largest: bool = Field(
        default=False, title="Keep largest object", description="Drops separate smaller objects."
    )
    crop: bool = Field(default=False, title="Crop to subject")
    crop_margin_px: int = Field(default=16, ge=0, le=2000, title="Crop margin px")

    @model_validator(mode="after")
    def _transparency_needs_a_format_with_alpha(self) -> CutoutParams:
        if self.output is CutoutOutput.TRANSPARENT and self.format is ImageFormat.JPEG:
            raise ValueError("JPEG cannot be transparent; choose PNG or WebP")
        return self


class UpscaleParams(ToolParams):
    """Enlargement by a whole factor or to a target width."""

    tool: Literal["upscale"] = "upscale"
    model: str = Field(default="realesr-animevideov3", title="Model")
    scale: Literal[2, 3, 4] = Field(default=2, title="Scale")
    target_width_px: int | None = Field(
        default=None,
        ge=1,
        le=30_000,
        title="Target width px",
        description="When set, used instead of scale.",
    )


AnyParams = Annotated[CutoutParams | UpscaleParams, Field(discriminator="tool")]
_adapter: TypeAdapter[CutoutParams | UpscaleParams] = TypeAdapter(AnyParams)


def parse_params(tool: str, values: dict[str, Any]) -> CutoutParams | UpscaleParams:
    """Validate ``values`` for ``tool``.

    Raises:
        UserInputError: ``params.invalid``, naming the first field at fault.

    """
    try:
        return _adapter.validate_python({**values, "tool": tool})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part != tool) or "parameters"
        raise UserInputError(
            f"{field}: {first['msg'].removeprefix('Value error, ')}",
            remedy="Correct this value and run again.",
            code="params.invalid",
        ) from error
