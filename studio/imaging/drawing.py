"""A painted mask: strokes as data, rendered at any size. Light: the web process imports it.

Lines are swept and areas filled row by row at the centres of pixels, as browsers do, and not
with Pillow, which moves every corner to a whole pixel and cannot round the joints of a line.
"""

from __future__ import annotations

from enum import StrEnum
from math import floor
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import UserInputError
from studio.imaging.picture import Picture, Pixels

MAX_STROKES = 50_000
MAX_POINTS = 20_000
"""Of one stroke; a hand that draws for five minutes makes fewer."""

Points = npt.NDArray[np.float64]
"""``float64 (N, 2)``: x and y in pixels, where a pixel's centre is at one half."""
Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]

_SEGMENTS_AT_ONCE = 128
"""Bounds the memory of a stroke of many points."""


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

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    strokes: tuple[Stroke, ...] = Field(default=(), max_length=MAX_STROKES)

    @classmethod
    def parse(cls, data: bytes, *, file_name: str) -> Drawing:
        """Read a stored drawing.

        Raises:
            UserInputError: ``drawing.unreadable``.

        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise UserInputError(
                "This is not a drawing that the studio wrote",
                remedy="Paint it again, or give the mask as a picture.",
                code="drawing.unreadable",
                file_name=file_name,
            ) from error

    def to_bytes(self) -> bytes:
        """What ``parse`` reads; equal drawings give equal bytes."""
        return self.model_dump_json().encode()


def render(drawing: Drawing, width_px: int, height_px: int) -> Picture:
    """The drawing at this size: white paints, black erases, transparent leaves as it is.

    Later strokes lie over earlier ones. A pixel is touched when its centre is.

    Returns:
        Picture of ``height_px`` rows and ``width_px`` columns whose alpha is 255 where the
        drawing touches it and 0 elsewhere.

    """
    paint = np.zeros((height_px, width_px), dtype=np.uint8)
    touched = np.zeros((height_px, width_px), dtype=np.uint8)
    scale = np.array([width_px / drawing.width_px, height_px / drawing.height_px])
    for stroke in drawing.strokes:
        points = stroke.array() * scale
        width = stroke.width_px * float(np.sqrt(scale.prod()))
        found = _cover(points, width, stroke.is_area, width_px, height_px)
        if found is not None:
            rows, columns, is_covered = found
            paint[rows, columns][is_covered] = 0 if stroke.erases else 255
            touched[rows, columns][is_covered] = 255
    return Picture(np.repeat(paint[..., np.newaxis], 3, axis=2), touched)


def _cover(
    points: Points, width: float, is_area: bool, width_px: int, height_px: int
) -> tuple[slice, slice, npt.NDArray[np.bool_]] | None:
    """The box of a stroke within the picture, and which of its pixels it covers."""
    radius = width / 2
    low, high = points.min(axis=0) - radius, points.max(axis=0) + radius
    left, top = (max(floor(value), 0) for value in low)
    right = min(floor(high[0]) + 1, width_px)
    bottom = min(floor(high[1]) + 1, height_px)
    if left >= right or top >= bottom:
        return None
    box = (bottom - top, right - left)
    centred = points - (left + 0.5, top + 0.5)  # pixel (0, 0) of the box has its centre at 0, 0
    ends = np.vstack((points[1:], points[:1])) - (left + 0.5, top + 0.5)
    is_covered = np.zeros(box, dtype=np.bool_)
    if radius > 0:
        last = len(points) if is_area or len(points) == 1 else -1
        is_covered |= _swept(centred[:last], ends[:last], radius, box)
    if is_area:
        is_covered |= _enclosed(centred, ends, box)
    return slice(top, bottom), slice(left, right), is_covered


def _swept(
    starts: Points, ends: Points, radius: float, box: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Pixels no farther than ``radius`` from a segment.

    What a disc sweeps along a segment is convex, so in each row it is one run of pixels.
    """
    depth = np.zeros((box[0], box[1] + 1), dtype=np.int32)
    for some in range(0, len(starts), _SEGMENTS_AT_ONCE):
        start, end = starts[some : some + _SEGMENTS_AT_ONCE], ends[some : some + _SEGMENTS_AT_ONCE]
        first = np.ceil(np.minimum(start[:, 1], end[:, 1]) - radius)
        last = np.floor(np.maximum(start[:, 1], end[:, 1]) + radius)
        rows, owner = _rows(first, last, box[0])
        left, right = _runs(rows, start[owner], end[owner], radius)
        begin = np.clip(np.ceil(left), 0, box[1])
        stop = np.maximum(np.clip(np.floor(right) + 1, 0, box[1]), begin)
        np.add.at(depth, (rows, begin.astype(np.intp)), 1)
        np.add.at(depth, (rows, stop.astype(np.intp)), -1)
    return np.asarray(np.cumsum(depth[:, :-1], axis=1) > 0)


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


def _enclosed(starts: Points, ends: Points, box: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels round which the outline winds at least once (the non-zero rule of browsers)."""
    is_down = (starts[:, 1] < ends[:, 1])[:, np.newaxis]
    upper, lower = np.where(is_down, starts, ends), np.where(is_down, ends, starts)
    rows, owner = _rows(np.ceil(upper[:, 1]), np.ceil(lower[:, 1]) - 1, box[0])
    upper, lower, turn = upper[owner], lower[owner], np.where(is_down[owner, 0], 1, -1)
    part = (rows - upper[:, 1]) / (lower[:, 1] - upper[:, 1])
    x = np.clip(np.ceil(upper[:, 0] + part * (lower[:, 0] - upper[:, 0])), 0, box[1])
    winding = np.zeros((box[0], box[1] + 1), dtype=np.int32)
    np.add.at(winding, (rows, x.astype(np.intp)), turn)
    return np.asarray(np.cumsum(winding[:, :-1], axis=1) != 0)


def painted(drawing: Drawing, width_px: int, height_px: int, beneath: Pixels) -> Pixels:
    """``beneath`` with the drawing applied: the mask that tools work on, ``uint8 (H, W)``."""
    over = render(drawing, width_px, height_px)
    alpha = over.alpha if over.alpha is not None else np.zeros_like(beneath)
    return np.where(alpha > 0, over.pixels[..., 0], beneath)
