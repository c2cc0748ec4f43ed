"""Parameters of the inpaint tool."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from studio.errors import UserInputError
from studio.params.common import Choice, MadeFor, NetworkName, Seed, ToolParams, meaningless
from studio.words import N_, Message, msg

HOLE_LEVEL = 128
"""From this level on a given mask counts as painted, so that soft masks make clear holes."""


class Filler(Choice):
    """Ways to fill a hole that need no network; ``auto`` picks for each hole."""

    AUTO = "auto", N_("Automatic")
    PATCHMATCH = "patchmatch", N_("PatchMatch")
    FREQUENCY = "fsr", N_("Frequency-selective")
    TELEA = "telea", N_("Telea")
    NAVIER_STOKES = "ns", N_("Navier-Stokes")


_WITHOUT_NETWORK = (Filler.FREQUENCY, Filler.TELEA, Filler.NAVIER_STOKES)
"""PatchMatch is none of them: it looks for people, so as not to copy them into the hole."""


class MaskPreset(Choice):
    """Areas to repaint when nothing was painted or uploaded."""

    NONE = "none", N_("None")
    FULL = "full", N_("Whole picture")
    CENTRE = "centre", N_("Centre")
    CORNER = "corner", N_("Corner")


class Corner(Choice):
    """Where a watermark sits."""

    TOP_LEFT = "top-left", N_("Top left")
    TOP_RIGHT = "top-right", N_("Top right")
    BOTTOM_LEFT = "bottom-left", N_("Bottom left")
    BOTTOM_RIGHT = "bottom-right", N_("Bottom right")


class InpaintParams(ToolParams):
    """Removal of what lies under a mask.

    The mask is the union of the preset, the input "mask" and the input "drawing", whose
    eraser takes away from all of them.
    """

    MAIN_FIELDS: ClassVar[tuple[str, ...]] = ("preset",)

    tool: Literal["inpaint"] = "inpaint"
    model: Annotated[NetworkName, MadeFor("inpainting")] = Field(
        default=Filler.AUTO,
        title=N_("Model"),
        description=N_("A built-in way to fill, or an inpainting model."),
    )
    preset: MaskPreset = Field(default=MaskPreset.NONE, title=N_("Ready-made mask"))
    corner: Corner = Field(default=Corner.BOTTOM_RIGHT, title=N_("Corner"))
    preset_size_ratio: float = Field(
        default=0.25,
        ge=0.02,
        le=1.0,
        title=N_("Size"),
        description=N_("Width of a centre or corner mask as a part of the picture's."),
    )
    invert: bool = Field(default=False, title=N_("Invert"), description=N_("Keep what is masked."))
    grow_px: int = Field(
        default=0,
        ge=-100,
        le=100,
        title=N_("Grow"),
        description=N_("Widens the mask (positive) or narrows it (negative)."),
    )
    feather_px: int = Field(
        default=3, ge=0, le=100, title=N_("Feather"), description=N_("Softens the seam, outwards.")
    )
    seed: Seed = Field(default=0, title=N_("Seed"))

    def needs_network(self, roles: Collection[str]) -> bool:
        """The fillers that look at the hole's rim alone do without."""
        return self.model not in _WITHOUT_NETWORK

    def lacks(self, roles: Collection[str]) -> UserInputError | None:
        """A mask of any kind; inverted, none is all."""
        has_start = self.preset is not MaskPreset.NONE or self.invert
        if has_start or not {"mask", "drawing"}.isdisjoint(roles):
            return None
        return UserInputError(
            msg("Nothing is masked yet"),
            remedy=msg("Give a mask picture, or choose a ready-made mask."),
            code="inpaint.nothing_masked",
        )

    def without_effect(self) -> dict[str, Message]:
        """What belongs to another ready-made mask."""
        is_sized = self.preset in (MaskPreset.CENTRE, MaskPreset.CORNER)
        chosen = msg("the ready-made mask chosen is {preset}", preset=self.preset)
        return super().without_effect() | meaningless(
            [
                (self.preset is not MaskPreset.CORNER, chosen, "corner"),
                (not is_sized, chosen, "preset_size_ratio"),
            ]
        )

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
