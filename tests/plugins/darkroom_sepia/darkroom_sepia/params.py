"""Parameters of the sepia tool."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import Field

from studio.params import Choice, HexColour, ToolParams
from studio.words import Message, msg


class Paper(Choice):
    """What the picture seems to be printed on."""

    SMOOTH = "smooth", "Smooth as glass"
    ROUGH = "rough", "Rough"


class SepiaParams(ToolParams):
    """The brown of old photographs."""

    tool: Literal["sepia"] = "sepia"
    strength: float = Field(
        default=0.8,
        ge=0.0,
        le=1.0,
        title="Strength",
        description="How far the colours go over to brown.",
    )
    paper: Paper = Field(default=Paper.SMOOTH, title="Paper")
    tint: HexColour = Field(default="#704214", title="Tint")
    margin_px: int | None = Field(default=None, ge=0, le=500, title="Margin")
    caption: str = Field(default="", max_length=40, title="Caption", description="Kept, not drawn.")
    bands: tuple[int, ...] = Field(default=(), title="Bands", description="Has no widget.")

    def needs_network(self, roles: Collection[str]) -> bool:
        """Never: it is arithmetic."""
        return False

    def output_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """With the margin on all sides."""
        margin_px = self.margin_px or 0
        return width_px + 2 * margin_px, height_px + 2 * margin_px

    def remedy_for_size(self) -> Message:
        """The margin alone makes it larger."""
        return msg("Set a smaller margin.")
