"""Parameters of the inpaint tool."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from studio.params.common import Seed, ToolParams

HOLE_LEVEL = 128
"""From this level on a given mask counts as painted, so that soft masks make clear holes."""


class Filler(StrEnum):
    """Ways to fill a hole that need no network; ``auto`` picks for each hole."""

    AUTO = "auto"
    PATCHMATCH = "patchmatch"
    FREQUENCY = "fsr"
    TELEA = "telea"
    NAVIER_STOKES = "ns"


class MaskPreset(StrEnum):
    """Areas to repaint when nothing was painted or uploaded."""

    NONE = "none"
    FULL = "full"
    CENTRE = "centre"
    CORNER = "corner"


class Corner(StrEnum):
    """Where a watermark sits."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


class InpaintParams(ToolParams):
    """Removal of what lies under a mask.

    The mask is the union of the preset, the input "mask" and the input "drawing", whose
    eraser takes away from all of them.
    """

    tool: Literal["inpaint"] = "inpaint"
    model: str = Field(
        default=Filler.AUTO,
        title="Model",
        description="A built-in way to fill, or an inpainting model.",
    )
    preset: MaskPreset = Field(default=MaskPreset.NONE, title="Ready-made mask")
    corner: Corner = Field(default=Corner.BOTTOM_RIGHT, title="Corner")
    preset_size_ratio: float = Field(
        default=0.25,
        ge=0.02,
        le=1.0,
        title="Size",
        description="Width of a centre or corner mask as a part of the picture's.",
    )
    invert: bool = Field(default=False, title="Invert", description="Keep what is masked.")
    grow_px: int = Field(
        default=0,
        ge=-100,
        le=100,
        title="Grow px",
        description="Widens the mask (positive) or narrows it (negative).",
    )
    feather_px: int = Field(
        default=3, ge=0, le=100, title="Feather px", description="Softens the seam, outwards."
    )
    seed: Seed = Field(default=0, title="Seed")

    def preset_box(self, width_px: int, height_px: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the ready-made mask; all 0 when there is none."""
        match self.preset:
            case MaskPreset.NONE:
                return 0, 0, 0, 0
            case MaskPreset.FULL:
                return 0, 0, width_px, height_px
        width = max(round(width_px * self.preset_size_ratio), 1)
        height = max(round(height_px * self.preset_size_ratio), 1)
        left, top = (width_px - width) // 2, (height_px - height) // 2
        if self.preset is MaskPreset.CORNER:
            is_left = self.corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT)
            is_top = self.corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT)
            left = 0 if is_left else width_px - width
            top = 0 if is_top else height_px - height
        return left, top, left + width, top + height
