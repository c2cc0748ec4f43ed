"""A painted mask: strokes as data, rendered at any size. Light: the web process imports it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from studio.imaging.picture import Picture


class Drawing(BaseModel):
    """What was painted, in the pixels of the canvas it was painted on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    canvas_width_px: int
    canvas_height_px: int

    @classmethod
    def parse(cls, data: bytes, *, file_name: str) -> Drawing:
        """Read a stored drawing.

        Raises:
            UserInputError: ``drawing.unreadable``.

        """
        raise NotImplementedError


def render(drawing: Drawing, width_px: int, height_px: int) -> Picture:
    """The drawing at this size: white paints, black erases, transparent leaves as it is."""
    raise NotImplementedError
