"""Parameters of the cutout tool."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from studio.params.common import HexColour, ImageFormat, ToolParams


class CutoutOutput(StrEnum):
    """What a cutout puts behind the subject."""

    TRANSPARENT = "transparent"
    MASK = "mask"
    COLOUR = "colour"
    BLUR = "blur"
    PICTURE = "picture"


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
