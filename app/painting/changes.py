"""What one state of a drawing has that another has not, and how the changes of two tabs meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from operator import eq

from studio.imaging.drawing import Drawing, Stroke


def merge(before: Drawing, after: Drawing, saved: Drawing) -> Drawing:
    """``saved`` with the change from ``before`` to ``after``; that of others stays.

    Raises:
        UserInputError: ``drawing.too_complex``.

    """
    if saved.strokes == before.strokes:
        return saved.with_strokes(after.strokes)
    if len(before.strokes) == len(after.strokes):
        edited = dict(zip(before.strokes, after.strokes, strict=True))
        return saved.with_strokes(edited.get(stroke, stroke) for stroke in saved.strokes)
    gone = Counter(missing(before.strokes, after.strokes))
    left = []
    for stroke in saved.strokes:
        if gone[stroke]:
            gone[stroke] -= 1
        else:
            left.append(stroke)
    return saved.with_strokes((*left, *missing(after.strokes, before.strokes)))


def have_vanished(before: Drawing, after: Drawing) -> bool:
    """Whether more strokes went than one action takes away.

    One action removes one stroke, or puts an edited one in the place of its former self.
    """
    lost = missing(before.strokes, after.strokes)
    new = missing(after.strokes, before.strokes)
    if len(lost) > 1:
        return True
    return bool(lost and new) and not (len(new) == 1 and _may_be_edit(lost[0], new[0]))


def missing(strokes: Sequence[Stroke], among: Sequence[Stroke]) -> list[Stroke]:
    """Those of ``strokes`` that are not ``among`` the others, in order; each counts once."""
    begin = _alike(strokes, among)
    strokes, among = strokes[begin:], among[begin:]
    end = _alike(strokes[::-1], among[::-1])
    there = Counter(among[: len(among) - end])
    found = []
    for stroke in strokes[: len(strokes) - end]:
        if there[stroke]:
            there[stroke] -= 1
        else:
            found.append(stroke)
    return found


def _alike(one: Iterable[Stroke], other: Iterable[Stroke]) -> int:
    """How many strokes both begin with: mostly all but one, and quicker compared than counted."""
    return sum(1 for _ in takewhile(bool, map(eq, one, other)))


def _may_be_edit(one: Stroke, other: Stroke) -> bool:
    return (one.is_area, one.erases, len(one.points)) == (
        other.is_area,
        other.erases,
        len(other.points),
    )
