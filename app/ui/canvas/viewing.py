"""Which part of a picture the canvas shows, and where that lies in the whole."""

from __future__ import annotations

from collections.abc import Hashable

from app.painting.canvas_json import View
from app.painting.picture_views import data_address, view_jpeg
from app.ui.stage import Room
from studio.imaging.drawing import Drawing
from tasks.files import StoredFile
from tasks.services import Services

_MAX_ENLARGEMENT = 4.0
"""A small picture is shown up to this much larger, so that there is something to paint on."""
_MIN_HEIGHT_PX, _MAX_HEIGHT_PX = 320, 680
_ROOM_BELOW_PX = 260
_MAP_SIDE_PX = 200


def view_in(room: Room, drawing: Drawing, zoom: int, centre: tuple[float, float]) -> View:
    """As much of the picture as ``room`` takes, round the centre, within the picture.

    ``zoom`` is how many times larger than when all of the picture is in view, ``centre`` in
    parts of its sides; of ``drawing`` only the size counts.
    """
    width, height = drawing.width_px, drawing.height_px
    most_high = min(max(room.height - _ROOM_BELOW_PX, _MIN_HEIGHT_PX), _MAX_HEIGHT_PX)
    whole = min(room.width / width, most_high / height, _MAX_ENLARGEMENT)
    shown_width, shown_height = width / zoom, height / zoom
    x, y = centre
    return View(
        left=min(max(width * x - shown_width / 2, 0), width - shown_width),
        top=min(max(height * y - shown_height / 2, 0), height - shown_height),
        width=shown_width,
        height=shown_height,
        canvas_width_px=max(round(width * whole), 1),
        canvas_height_px=max(round(height * whole), 1),
    )


def frame_of(view: View, drawing: Drawing) -> tuple[float, float, float, float]:
    """Left, top, width and height of ``view``, as parts of the picture's sides."""
    width, height = drawing.width_px, drawing.height_px
    return view.left / width, view.top / height, view.width / width, view.height / height


def map_of(
    services: Services, picture: StoredFile, drawing: Drawing, *, owner: Hashable = None
) -> str:
    """Address of the whole picture, small; ``owner`` is who looks."""
    width, height = drawing.width_px, drawing.height_px
    scale = _MAP_SIDE_PX / max(width, height)
    whole = View(0, 0, width, height, max(round(width * scale), 1), max(round(height * scale), 1))
    return data_address(view_jpeg(services, picture, whole, owner=owner), "image/jpeg")
