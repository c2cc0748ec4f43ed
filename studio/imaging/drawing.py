"""A painted mask: strokes as data, rendered at any size. Light: the web process imports it.

Lines are swept and areas filled row by row at the centres of pixels, as browsers do, and not
with Pillow, which moves every corner to a whole pixel and cannot round the joints of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from math import floor
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from studio.errors import UserInputError
from studio.imaging.picture import Picture, Pixels
from studio.validation import reason_of
from studio.words import Message, msg, msgs

MAX_BYTES = 16_000_000
"""Of a stored drawing: twice what the most points take, as the canvas writes them."""
MAX_STROKES = 10_000
"""One a second, for close to three hours."""
MAX_POINTS = 20_000
"""Of one stroke; a hand that draws for five minutes makes fewer."""
MAX_ALL_POINTS = 500_000
"""Of all strokes; a pointer that reports sixty a second makes fewer in two hours."""
MAX_SIDE_PX = 10**9
MAX_ROWS = 50_000_000
"""Rows that segments may cross in all: a brush of 200 px, moved for an hour without a rest."""
MAX_PIXELS = 50_000_000_000
"""Pixels that the boxes round strokes may hold in all: 2,000 times a picture of 25 megapixels."""

Points = npt.NDArray[np.float64]
"""``float64 (N, 2)``: x and y in pixels, where a pixel's centre is at one half."""
Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

_Scaled = tuple[Points, float, "Stroke"]
"""A stroke with its points and width at the size of a rendering."""

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]

_SEGMENTS_AT_ONCE = 128
"""Bounds the memory of a stroke of many points."""
_ERASED, _PAINTED = 1, 2
"""What the last stroke did to a pixel; 0 when none touched it."""


class StrokeKind(StrEnum):
    """How a stroke was made; all but a brush stroke are areas. A rectangle is a polygon."""

    BRUSH = "brush"
    POLYGON = "polygon"
    LASSO = "lasso"


class Stroke(BaseModel):
    """A line of round brush, or an area with an outline of it.

    ``points`` are x and y in pixels of the drawing; of an area, its corners in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: StrokeKind
    points: tuple[tuple[Coordinate, Coordinate], ...] = Field(min_length=1, max_length=MAX_POINTS)
    width_px: float = Field(ge=0, le=1e5)
    erases: bool = False

    @property
    def is_area(self) -> bool:
        """Whether what the points enclose counts as painted."""
        return self.kind is not StrokeKind.BRUSH

    def array(self) -> Points:
        """The points, ``float64 (N, 2)``."""
        return np.asarray(self.points, dtype=np.float64)


class Drawing(BaseModel):
    """What was painted on a picture of ``width_px`` by ``height_px``, first stroke first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width_px: int = Field(gt=0, le=MAX_SIDE_PX)
    height_px: int = Field(gt=0, le=MAX_SIDE_PX)
    strokes: tuple[Stroke, ...] = Field(default=(), max_length=MAX_STROKES)

    @classmethod
    def parse(cls, data: bytes, *, file_name: str) -> Drawing:
        """Read a stored drawing.

        Raises:
            UserInputError: ``drawing.unreadable``, or ``drawing.too_complex``.

        """
        if len(data) > MAX_BYTES:
            raise _too_complex(
                msg(
                    "It has {size:.1f} MB of at most {most:.0f} MB",
                    size=len(data) / 1e6,
                    most=MAX_BYTES / 1e6,
                ),
                file_name,
            )
        try:
            drawing = cls.model_validate_json(data)
        except ValidationError as error:
            if reason := _excess(error):
                raise _too_complex(reason, file_name) from error
            raise UserInputError(
                msg("This is not a drawing that the studio wrote"),
                remedy=msg("Paint it again, or give the mask as a picture."),
                code="drawing.unreadable",
                file_name=file_name,
            ) from error
        size = drawing.width_px, drawing.height_px
        _require_bounded(_scaled(drawing, *size), *size, file_name=file_name)
        return drawing

    def with_strokes(self, strokes: Iterable[Stroke]) -> Drawing:
        """A drawing of the same size with these strokes and no others.

        Raises:
            UserInputError: ``drawing.too_complex``, nobody could read it again.

        """
        try:
            return Drawing(width_px=self.width_px, height_px=self.height_px, strokes=tuple(strokes))
        except ValidationError as error:
            beyond = msg("Its strokes reach too far beyond the picture")
            raise _too_complex(_excess(error) or beyond, None) from error

    @model_validator(mode="after")
    def _has_few_points(self) -> Drawing:
        if sum(len(stroke.points) for stroke in self.strokes) > MAX_ALL_POINTS:
            raise ValueError(
                msgs("It has more than {n} point", "It has more than {n} points", MAX_ALL_POINTS)
            )
        return self

    def to_bytes(self) -> bytes:
        """What ``parse`` reads; equal drawings give equal bytes."""
        return self.model_dump_json().encode()


def _excess(error: ValidationError) -> Message | None:
    """What a drawing has too much of, if that is what is wrong with it."""
    for detail in error.errors(include_input=False):
        if detail["type"] == "too_long" and detail["loc"] == ("strokes",):
            return msgs("It has more than {n} stroke", "It has more than {n} strokes", MAX_STROKES)
        if detail["type"] == "too_long":
            return msgs(
                "A stroke has more than {n} point", "A stroke has more than {n} points", MAX_POINTS
            )
        if detail["type"] == "value_error":
            return reason_of(detail)  # what a validator of ours found
    return None


def _too_complex(reason: Message, file_name: str | None) -> UserInputError:
    return UserInputError(
        msg("This drawing is more than a hand can paint. {reason}", reason=reason),
        remedy=msg("Paint with fewer strokes, or give the mask as a picture."),
        code="drawing.too_complex",
        file_name=file_name,
    )


def render(
    drawing: Drawing,
    width_px: int,
    height_px: int,
    check: Callable[[], object] = lambda: None,
) -> Picture:
    """The drawing at this size: white paints, black erases, transparent leaves as it is.

    Later strokes lie over earlier ones. A pixel is touched when its centre is.

    Args:
        drawing: what was painted.
        width_px: of the result.
        height_px: of the result.
        check: called between strokes and parts of long ones; what it raises ends the work.

    Returns:
        Picture of ``height_px`` rows and ``width_px`` columns whose alpha is 255 where the
        drawing touches it and 0 elsewhere.

    Raises:
        UserInputError: ``drawing.too_complex`` at this size.

    """
    strokes = _scaled(drawing, width_px, height_px)
    _require_bounded(strokes, width_px, height_px, file_name=None)
    states = np.zeros((height_px, width_px), dtype=np.uint8)
    for points, width, stroke in strokes:
        check()
        _lay(states, points, width, stroke, check)
    paint = np.where(states == _PAINTED, np.uint8(255), np.uint8(0))
    touched = np.where(states > 0, np.uint8(255), np.uint8(0))
    return Picture(np.repeat(paint[..., np.newaxis], 3, axis=2), touched)


def _scaled(drawing: Drawing, width_px: int, height_px: int) -> list[_Scaled]:
    scale = np.array([width_px / drawing.width_px, height_px / drawing.height_px])
    thickness = float(np.sqrt(scale.prod()))
    return [
        (stroke.array() * scale, stroke.width_px * thickness, stroke) for stroke in drawing.strokes
    ]


def _require_bounded(
    strokes: list[_Scaled], width_px: int, height_px: int, *, file_name: str | None
) -> None:
    """Refuse what would take minutes, by how many rows segments cross and pixels boxes hold."""
    size = np.array([width_px, height_px])
    rows = pixels = 0.0
    for points, width, _ in strokes:
        falls = np.abs(np.diff(points[:, 1], append=points[:1, 1]))
        rows += float(np.minimum(falls + width + 1, height_px).sum())
        low, high = points.min(axis=0) - width / 2, points.max(axis=0) + width / 2
        pixels += float(np.prod(np.maximum(np.minimum(high + 1, size) - np.maximum(low, 0), 0)))
    if rows > MAX_ROWS or pixels > MAX_PIXELS:
        raise _too_complex(msg("Its strokes cover the picture too many times"), file_name)


def _lay(
    states: Pixels, points: Points, width: float, stroke: Stroke, check: Callable[[], object]
) -> None:
    """Set the pixels that one stroke covers, in place."""
    radius = width / 2
    height_px, width_px = states.shape
    low, high = points.min(axis=0) - radius, points.max(axis=0) + radius
    left, top = (max(floor(value), 0) for value in low)
    right = min(floor(high[0]) + 1, width_px)
    bottom = min(floor(high[1]) + 1, height_px)
    if left >= right or top >= bottom:
        return
    box = states[top:bottom, left:right]
    centred = points - (left + 0.5, top + 0.5)  # pixel (0, 0) of the box has its centre at 0, 0
    ends = np.vstack((points[1:], points[:1])) - (left + 0.5, top + 0.5)
    value = _ERASED if stroke.erases else _PAINTED
    if radius > 0:
        last = len(points) if stroke.is_area or len(points) == 1 else -1
        for some in range(0, len(centred[:last]), _SEGMENTS_AT_ONCE):
            check()
            part = slice(some, some + _SEGMENTS_AT_ONCE)
            _fill(box, *_swept(centred[:last][part], ends[:last][part], radius, box.shape), value)
    if stroke.is_area:
        _fill(box, *_enclosed(centred, ends, box.shape), value)


def _fill(box: Pixels, rows: Indices, columns: Indices, turns: Indices, value: int) -> None:
    """Set the pixels, row by row from left to right, before which turns do not add up to 0.

    Turns of each row add up to 0 at its end. Only ends of runs are handled, and no pixel but those
    that are set, so that a stroke costs what it covers and not what its box holds.
    """
    stride = box.shape[1] + 1
    places = rows * stride + columns
    order = np.argsort(places, kind="stable")
    places = places[order]
    is_inside = np.cumsum(turns[order]) != 0
    was_inside = np.concatenate(([False], is_inside[:-1]))
    begins, stops = places[is_inside & ~was_inside], places[was_inside & ~is_inside]
    lines, begins, lengths = begins // stride, begins % stride, stops - begins
    for line, begin, length in zip(lines.tolist(), begins.tolist(), lengths.tolist(), strict=True):
        box[line, begin : begin + length] = value


def _swept(
    start: Points, end: Points, radius: float, box: tuple[int, ...]
) -> tuple[Indices, Indices, Indices]:
    """Rows, columns and turns round pixels no farther than ``radius`` from a segment.

    What a disc sweeps along a segment is convex, so in each row it is one run of pixels.
    """
    first = np.ceil(np.minimum(start[:, 1], end[:, 1]) - radius)
    last = np.floor(np.maximum(start[:, 1], end[:, 1]) + radius)
    rows, owner = _rows(first, last, box[0])
    left, right = _runs(rows, start[owner], end[owner], radius)
    begin = np.clip(np.ceil(left), 0, box[1])
    stop = np.maximum(np.clip(np.floor(right) + 1, 0, box[1]), begin)
    columns = np.concatenate((begin, stop)).astype(np.intp)
    turns = np.repeat(np.array([1, -1], dtype=np.intp), len(rows))
    return np.concatenate((rows, rows)), columns, turns


def _rows(first: Numbers, last: Numbers, height: int) -> tuple[Indices, Indices]:
    """All rows within ``height`` from each ``first`` to each ``last``, and whose each one is."""
    low = np.clip(first, 0, height).astype(np.intp)
    count = np.maximum(np.clip(last, -1, height - 1).astype(np.intp) - low + 1, 0)
    owner = np.repeat(np.arange(len(low)), count)
    before = np.cumsum(count) - count
    return np.arange(count.sum()) - before[owner] + low[owner], owner


def _runs(rows: Indices, start: Points, end: Points, radius: float) -> tuple[Numbers, Numbers]:
    """From where to where a swept disc reaches in each row; left > right where it does not."""
    left = np.full(rows.shape, np.inf)
    right = np.full(rows.shape, -np.inf)
    for centre in (start, end):
        half_squared = radius**2 - (rows - centre[:, 1]) ** 2
        half = np.sqrt(np.maximum(half_squared, 0))
        _widen(left, right, centre[:, 0] - half, half_squared >= 0)
        _widen(left, right, centre[:, 0] + half, half_squared >= 0)
    along = end - start
    length = np.hypot(along[:, 0], along[:, 1])
    reach = radius / np.where(length > 0, length, 1.0)
    side = np.column_stack((-along[:, 1], along[:, 0])) * reach[:, np.newaxis]
    corners = (start + side, end + side, end - side, start - side)
    for one, other in zip(corners, (*corners[1:], corners[0]), strict=True):
        drop = other[:, 1] - one[:, 1]
        part = (rows - one[:, 1]) / np.where(drop == 0, np.inf, drop)
        x = one[:, 0] + part * (other[:, 0] - one[:, 0])
        _widen(left, right, x, (drop != 0) & (part >= 0) & (part <= 1))
    return left, right


def _widen(left: Numbers, right: Numbers, x: Numbers, is_met: npt.NDArray[np.bool_]) -> None:
    """Make the runs from ``left`` to ``right`` reach ``x`` too, in place, where they do."""
    np.minimum(left, x, out=left, where=is_met)
    np.maximum(right, x, out=right, where=is_met)


def _enclosed(
    starts: Points, ends: Points, box: tuple[int, ...]
) -> tuple[Indices, Indices, Indices]:
    """Rows, columns and turns round pixels that the outline winds round (browsers' non-zero)."""
    is_down = (starts[:, 1] < ends[:, 1])[:, np.newaxis]
    upper, lower = np.where(is_down, starts, ends), np.where(is_down, ends, starts)
    rows, owner = _rows(np.ceil(upper[:, 1]), np.ceil(lower[:, 1]) - 1, box[0])
    upper, lower, turns = upper[owner], lower[owner], np.where(is_down[owner, 0], 1, -1)
    part = (rows - upper[:, 1]) / (lower[:, 1] - upper[:, 1])
    columns = np.clip(np.ceil(upper[:, 0] + part * (lower[:, 0] - upper[:, 0])), 0, box[1])
    return rows, columns.astype(np.intp), turns.astype(np.intp)


def painted(
    drawing: Drawing,
    width_px: int,
    height_px: int,
    beneath: Pixels,
    check: Callable[[], object] = lambda: None,
) -> Pixels:
    """``beneath`` with the drawing applied: the mask that tools work on, ``uint8 (H, W)``.

    Arguments and errors are those of ``render``.
    """
    over = render(drawing, width_px, height_px, check)
    alpha = over.alpha if over.alpha is not None else np.zeros_like(beneath)
    return np.where(alpha > 0, over.pixels[..., 0], beneath)
