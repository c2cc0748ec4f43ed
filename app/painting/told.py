"""What a browser says is on its canvas, read where it can be ended: others can send it, too."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial

from app.painting.canvas_json import Json, View, recognise, to_strokes
from studio.confined.pool import OverrunError
from studio.errors import UserInputError
from studio.imaging.drawing import MAX_ALL_POINTS, MAX_STROKES, Stroke
from studio.words import msg
from tasks.reading import reading_pool

_TIME_LIMIT_S = 10.0
_MEMORY_LIMIT_BYTES = 1_000_000_000
"""Enough for the largest drawing as the canvas writes it, and its half a million points."""


def read_canvas(
    told: Json, known: Sequence[Stroke], view: View, *, owner: Hashable = None
) -> tuple[Stroke, ...]:
    """The strokes that a canvas with this view holds, those of ``known`` in place of their likes.

    Args:
        told: what the browser sent.
        known: what was on the canvas.
        view: what the canvas showed.
        owner: who paints; what one person sends does not hold up another.

    Raises:
        UserInputError: ``drawing.too_complex``, also where reading it took too long.
        RetriableError: too many files are being read.

    """
    objects = told.get("objects", ())
    commands = sum(len(one.get("path") or one.get("points") or ()) for one in objects)
    if len(objects) > MAX_STROKES + 1 or commands > MAX_ALL_POINTS:
        raise _too_complex()
    try:
        return reading_pool().run(
            partial(_read, told, known, view),
            time_limit_s=_TIME_LIMIT_S,
            memory_limit_bytes=_MEMORY_LIMIT_BYTES,
            owner=owner,
        )
    except OverrunError as overrun:
        raise _too_complex() from overrun


def _read(told: Json, known: Sequence[Stroke], view: View) -> tuple[Stroke, ...]:
    return recognise(to_strokes(told, view), known, view)


def _too_complex() -> UserInputError:
    return UserInputError(
        msg("What you painted last is more than a hand can paint, and was not saved"),
        remedy=msg("Undo it, or give the mask as a picture."),
        code="drawing.too_complex",
    )
