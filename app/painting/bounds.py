"""How much may be painted on one picture: minutes without a rest, and what no other page feels.

Files of drawings hold more (``studio.imaging.drawing``), as did canvases of older releases. What
holds more already is shown, run, reduced and brought back; only more than that is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.errors import UserInputError
from studio.imaging.drawing import Drawing, Stroke
from studio.words import msg, msgs

MAX_STROKES = 1_000
MAX_POINTS = 30_000
"""Of all strokes; a hand draws some 100 a second."""


def points_of(strokes: Sequence[Stroke]) -> int:
    """How many points the strokes have in all."""
    return sum(len(stroke.points) for stroke in strokes)


def require_fits(after: Drawing, *there: Drawing) -> None:
    """Refuse a drawing of more than a canvas holds, unless one that was ``there`` held as much.

    Raises:
        UserInputError: ``drawing.full``.

    """
    strokes = max(MAX_STROKES, *(len(one.strokes) for one in there))
    points = max(MAX_POINTS, *(points_of(one.strokes) for one in there))
    if len(after.strokes) > strokes or points_of(after.strokes) > points:
        raise full()


def full() -> UserInputError:
    """What is said when a canvas takes no more."""
    return UserInputError(
        msg(
            "This was not added, as the drawing is full: it takes {strokes} of {points} together",
            strokes=msgs("{n} stroke", "{n} strokes", MAX_STROKES),
            points=msgs("{n} point", "{n} points", MAX_POINTS),
        ),
        remedy=msg("Run it and go on with the result, or take strokes away first."),
        code="drawing.full",
    )
