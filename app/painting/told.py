"""What a browser says is on its canvas, read where it can be ended: others can send it, too."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from functools import partial

from app.painting.bounds import MAX_POINTS, MAX_STROKES, full, points_of
from app.painting.canvas_json import (
    DOT_COMMANDS,
    Json,
    NoCanvasError,
    View,
    commands_of,
    objects_of,
    recognise,
    to_strokes,
)
from studio.confined.pool import OverrunError
from studio.errors import UserInputError
from studio.imaging.drawing import Stroke
from studio.words import msg
from tasks.reading import reading_pool

logger = logging.getLogger(__name__)

_TIME_LIMIT_S = 10.0
_MEMORY_LIMIT_BYTES = 1_000_000_000
"""Enough for the largest drawing that a run may have had, as the canvas writes it."""


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
        UserInputError: ``drawing.full``; ``drawing.too_complex``, where reading it took too long;
            ``drawing.unreadable``, which no canvas of ours sends.
        RetriableError: too many files are being read.

    """
    _require_fits(told, known)
    try:
        found = reading_pool().run(
            partial(_read, told, known, view),
            time_limit_s=_TIME_LIMIT_S,
            memory_limit_bytes=_MEMORY_LIMIT_BYTES,
            owner=owner,
        )
    except OverrunError as overrun:
        raise _too_complex() from overrun
    except NoCanvasError as error:
        logger.warning("a browser told of no canvas", exc_info=True)
        raise _unreadable() from error
    return tuple(known[one] if isinstance(one, int) else one for one in found)


def _require_fits(told: Json, known: Sequence[Stroke]) -> None:
    """Count before anything is read."""
    objects, commands = len(objects_of(told)), commands_of(told)
    known_commands = sum(max(len(stroke.points), DOT_COMMANDS) for stroke in known)
    if objects > max(MAX_STROKES, len(known)) or commands > max(MAX_POINTS, known_commands):
        raise full()


def _read(told: Json, known: Sequence[Stroke], view: View) -> list[int | Stroke]:
    """What is known comes by its place, for pages keep many drawings that share most strokes."""
    strokes = to_strokes(told, view)
    if points_of(strokes) > max(MAX_POINTS, points_of(known)):
        raise full()
    places = {id(stroke): place for place, stroke in enumerate(known)}
    return [places.get(id(stroke), stroke) for stroke in recognise(strokes, known, view)]


def _too_complex() -> UserInputError:
    return UserInputError(
        msg("What you painted last is more than a hand can paint, and was not saved"),
        remedy=msg("Undo it, or give the mask as a picture."),
        code="drawing.too_complex",
    )


def _unreadable() -> UserInputError:
    return UserInputError(
        msg("What your browser told of the canvas cannot be read, and was not saved"),
        remedy=msg("Paint it again; reload the page if that does not help."),
        code="drawing.unreadable",
    )
