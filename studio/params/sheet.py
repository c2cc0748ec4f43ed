"""Where things go on a contact sheet. Light: sizes are known without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass

from studio.params.looks import Look
from studio.params.sizes import fit_long_side

CAPTIONS = {
    Look.ANIME: "Anime",
    Look.COMIC: "Comic",
    Look.THREE_D: "3D",
    Look.HANDDRAWN: "Hand-drawn",
    Look.SKETCH: "Sketch",
}
"""In the order of the sheet, after the photograph."""
PHOTO_CAPTION = "Photo"

_CELL_SHARE = 2
"""One part in this many of the long side asked for is that of each picture on the sheet."""
_CELL_RANGE_PX = (256, 1024)
_LEAST_COLUMN_PX = 144
"""Wide enough for the longest caption."""
_WIDE_RATIO = 1.25
"""Wider pictures stand two in a row, others three."""


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """A grid of equal pictures with a caption under each; all lengths in px."""

    picture_width_px: int
    picture_height_px: int
    columns: int

    @classmethod
    def of(cls, width_px: int, height_px: int, long_side_px: int | None) -> SheetLayout:
        """For a photograph of this size, and the long side that the params ask for."""
        wanted_px = (long_side_px or max(width_px, height_px)) // _CELL_SHARE
        cell_px = min(max(wanted_px, _CELL_RANGE_PX[0]), _CELL_RANGE_PX[1])
        width, height = fit_long_side(width_px, height_px, cell_px)
        return cls(width, height, columns=2 if width > _WIDE_RATIO * height else 3)

    @property
    def margin_px(self) -> int:
        """Round the sheet and between pictures."""
        return max(self.picture_width_px, self.picture_height_px) // 20

    @property
    def font_px(self) -> int:
        """Height of the captions' letters."""
        return max(self.picture_width_px, self.picture_height_px) // 22

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        width_px, height_px = self._pitch
        rows = -(-(len(CAPTIONS) + 1) // self.columns)
        return self.columns * width_px + self.margin_px, rows * height_px + self.margin_px

    def corner(self, index: int) -> tuple[int, int]:
        """Left and top of a picture, counted row by row."""
        row, column = divmod(index, self.columns)
        width_px, height_px = self._pitch
        inset_px = (width_px - self.margin_px - self.picture_width_px) // 2
        return self.margin_px + column * width_px + inset_px, self.margin_px + row * height_px

    def place_of(self, look: Look) -> tuple[slice, slice]:
        """Rows and columns of the sheet that hold the picture in this look."""
        left, top = self.corner(1 + list(CAPTIONS).index(look))
        rows = slice(top, top + self.picture_height_px)
        return rows, slice(left, left + self.picture_width_px)

    def caption_middle(self, index: int) -> tuple[int, int]:
        """Where the middle of a caption is."""
        left, top = self.corner(index)
        below_px = self.margin_px // 4 + self.font_px * 3 // 4
        return left + self.picture_width_px // 2, top + self.picture_height_px + below_px

    @property
    def _pitch(self) -> tuple[int, int]:
        """From one picture to the next, across and down."""
        across = max(self.picture_width_px, _LEAST_COLUMN_PX) + self.margin_px
        return across, self.picture_height_px + self.font_px * 3 // 2 + self.margin_px
