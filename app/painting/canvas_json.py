"""Between our drawings and the JSON of the browser's canvas, which is that of Fabric.js 7.

A canvas shows a view of a picture: the whole or a part of it, at some scale. What is painted
there becomes strokes in the pixels of the picture, so that strokes made in several views are
one drawing. The colour of an object says what it is; its fill and opacity are for the eye.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, radians, sin, tan
from typing import Any

import numpy as np

from studio.imaging.drawing import MAX_POINTS, Drawing, Points, Stroke, StrokeKind

PAINT = "#ff0000"
ERASE = "#0000ff"
LASSO = "#00ff00"

Json = Mapping[str, Any]

_FOREIGN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading raises where the JSON is not that of a canvas."""
_DOT_PX = 0.1
"""The browser draws a dot as a line of 0.04 px."""
DOT_COMMANDS = 2
"""How many commands a path has at least."""
_SAME_PX = 0.3
"""Canvas pixels by which a stroke may differ after it went to the browser and back."""
_DECIMALS = 3
"""Of canvas pixels; more digits would double what goes to the browser and back."""
_CURVE_ERROR_PX = 0.02
_CIRCLE_CORNERS = 96
_MARK = {"type": "Rect", "left": 0, "top": 0, "width": 0, "height": 0, "visible": False}
"""An object that nobody sees. The browser keeps its dash offset, which says nothing there."""
_ORIGINS = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}


@dataclass(frozen=True, slots=True)
class View:
    """The part of a picture that a canvas shows.

    Attributes:
        left: of the part, in pixels of the picture.
        top: of the part, in pixels of the picture.
        width: of the part, in pixels of the picture.
        height: of the part, in pixels of the picture.
        canvas_width_px: of the canvas.
        canvas_height_px: of the canvas.

    """

    left: float
    top: float
    width: float
    height: float
    canvas_width_px: int
    canvas_height_px: int

    @property
    def scale(self) -> float:
        """Canvas pixels for one pixel of the picture; the two axes differ by a rounding."""
        return float(np.sqrt(self._scales.prod()))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the canvas."""
        return self.canvas_width_px, self.canvas_height_px

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the part."""
        return self.left, self.top, self.left + self.width, self.top + self.height

    @property
    def _scales(self) -> Points:
        return np.array((self.canvas_width_px / self.width, self.canvas_height_px / self.height))

    def to_picture(self, points: Points) -> Points:
        """From canvas pixels to pixels of the picture."""
        return np.asarray(points / self._scales + (self.left, self.top))

    def to_canvas(self, points: Points) -> Points:
        """From pixels of the picture to canvas pixels."""
        return np.asarray((points - (self.left, self.top)) * self._scales)

    def show(self, drawing: Drawing) -> Drawing:
        """The drawing as the canvas shows it, in canvas pixels."""
        strokes = (
            stroke.model_copy(
                update={
                    "points": tuple((x, y) for x, y in self.to_canvas(stroke.array()).tolist()),
                    "width_px": stroke.width_px * self.scale,
                }
            )
            for stroke in drawing.strokes
        )
        return Drawing.model_construct(
            width_px=self.canvas_width_px,
            height_px=self.canvas_height_px,
            strokes=tuple(strokes),
        )


class NoCanvasError(Exception):
    """What was read is not the JSON of a canvas."""


def to_strokes(canvas: Json, view: View) -> tuple[Stroke, ...]:
    """What the canvas holds, in pixels of the picture, first object first.

    Objects that were moved, scaled, rotated or otherwise edited come as they look.

    Raises:
        NoCanvasError: no canvas wrote it.

    """
    try:
        found = [_stroke(one, view) for one in objects_of(canvas)]
    except _FOREIGN as error:
        raise NoCanvasError from error
    return tuple(stroke for stroke in found if stroke is not None)


def to_canvas(drawing: Drawing, view: View, generation: int = 0) -> dict[str, Any]:
    """What a canvas with this view shows of ``drawing``, ready to be edited further.

    Whatever the browser sends of it afterwards carries ``generation``, so that strokes which
    were on their way while the view changed are not taken for strokes of the new one.
    """
    strokes = [_object(stroke, view) for stroke in drawing.strokes]
    return {"objects": [{**_MARK, "strokeDashOffset": generation}, *strokes]}


def generation_of(canvas: Json) -> int | None:
    """The generation that the canvas was given; None when it was given none, or is no canvas."""
    marks = (one for one in _all_objects(canvas) if _is_mark(one))
    offset = next((mark.get("strokeDashOffset") for mark in marks), None)
    return offset if isinstance(offset, int) else None


def objects_of(canvas: Json) -> list[Json]:
    """What was painted on the canvas, first object first."""
    return [one for one in _all_objects(canvas) if not _is_mark(one)]


def commands_of(canvas: Json) -> int:
    """How many commands and corners all objects have; each becomes a point, or more."""
    lists = (
        one.get("path") or one.get("points")
        for one in objects_of(canvas)
        if isinstance(one, Mapping)
    )
    return sum(len(one) for one in lists if isinstance(one, Sized))


def _all_objects(canvas: Json) -> list[Json]:
    objects = canvas.get("objects")
    return objects if isinstance(objects, list) else []


def _is_mark(one: Json) -> bool:
    """Whether this is an object that nobody sees; what is no object at all is none."""
    return (
        isinstance(one, Mapping)
        and one.get("type") == "Rect"
        and one.get("width") == 0
        and not one.get("visible", True)
    )


def recognise(found: Sequence[Stroke], known: Iterable[Stroke], view: View) -> tuple[Stroke, ...]:
    """``found``, with those of ``known`` in place of their likes.

    On the way to the browser and back numbers are rounded; without this every stroke would
    look new, and move a little each time.
    """
    candidates: dict[tuple[StrokeKind, bool, int], list[Stroke]] = defaultdict(list)
    for stroke in known:
        candidates[_likeness(stroke)].append(stroke)
    return tuple(_recognised(stroke, candidates[_likeness(stroke)], view) for stroke in found)


def _likeness(stroke: Stroke) -> tuple[StrokeKind, bool, int]:
    return stroke.kind, stroke.erases, len(stroke.points)


def _recognised(stroke: Stroke, candidates: list[Stroke], view: View) -> Stroke:
    near = _SAME_PX / view.scale
    for candidate in candidates:
        is_same = (
            abs(candidate.width_px - stroke.width_px) <= near
            and np.abs(candidate.array() - stroke.array()).max() <= near
        )
        if is_same:
            candidates.remove(candidate)
            return candidate
    return stroke


def _stroke(one: Json, view: View) -> Stroke | None:
    """None for what is neither a line nor an area, as text, and for what has no extent."""
    local = _outline(one)
    if local is None:
        return None
    matrix = _matrix(one)
    points = local @ matrix.T + _centre(one, local, matrix)
    width = float(one.get("strokeWidth", 0))
    if not one.get("strokeUniform", False):
        width *= float(np.sqrt(abs(np.linalg.det(matrix))))
    kind, erases = _meaning(one)
    if kind is StrokeKind.BRUSH and np.ptp(points, axis=0).max() < _DOT_PX:
        points = points.mean(axis=0, keepdims=True)
    if len(points) > MAX_POINTS:
        points = points[np.linspace(0, len(points) - 1, MAX_POINTS).astype(np.intp)]
    placed = view.to_picture(points).round(3).tolist()
    return Stroke(
        kind=kind,
        points=tuple((x, y) for x, y in placed),
        width_px=round(width / view.scale, 3),
        erases=erases,
    )


def _meaning(one: Json) -> tuple[StrokeKind, bool]:
    colour = one.get("stroke")
    if colour == LASSO:
        return StrokeKind.LASSO, False
    is_line = one["type"] == "Line" or (one["type"] == "Path" and not one.get("fill"))
    return StrokeKind.BRUSH if is_line else StrokeKind.POLYGON, colour == ERASE


def _outline(one: Json) -> Points | None:
    """The points of an object round its own centre, as if it had never been edited."""
    match one["type"]:
        case "Path":
            points = _flatten(one["path"])
        case "Polygon" | "Polyline":
            points = np.array([(point["x"], point["y"]) for point in one["points"]], float)
        case "Line":
            points = np.array([(one["x1"], one["y1"]), (one["x2"], one["y2"])], float)
        case "Rect" | "LabeledRect":
            corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
            points = corners * (one["width"], one["height"])
        case "Circle":
            points = _ellipse(one["radius"], one["radius"])
        case "Ellipse":
            points = _ellipse(one["rx"], one["ry"])
        case _:
            return None
    if not len(points):
        return None
    return np.asarray(points - (points.min(axis=0) + points.max(axis=0)) / 2)


def _ellipse(radius_x: float, radius_y: float) -> Points:
    turn = np.linspace(0, 2 * np.pi, _CIRCLE_CORNERS, endpoint=False)
    return np.column_stack((radius_x * np.cos(turn), radius_y * np.sin(turn)))


def _flatten(path: Sequence[Sequence[Any]]) -> Points:
    """The commands of a path as points; curves within ``_CURVE_ERROR_PX``."""
    points: list[Points] = []
    at = np.zeros(2)
    for name, *numbers in path:
        given = np.array(numbers, float).reshape(-1, 2)
        if name in ("M", "L"):
            points.append(given)
        elif name in ("Q", "C"):
            points.append(_curve(np.vstack((at, given))))
        if len(given):
            at = given[-1]
    return np.vstack(points) if points else np.empty((0, 2))


def _curve(control: Points) -> Points:
    """A quadratic or cubic Bézier curve without its first point.

    The error of ``n`` chords is at most the largest second difference over ``4 n²``, times 3
    for a cubic (the second derivative's bound).
    """
    bend = float(np.abs(np.diff(control, 2, axis=0)).sum(axis=1).max())
    order = len(control) - 1
    steps = max(ceil((bend * (1 if order == 2 else 3) / (4 * _CURVE_ERROR_PX)) ** 0.5), 1)
    t = np.linspace(0, 1, steps + 1)[1:, np.newaxis]
    layer = [np.broadcast_to(point, (steps, 2)) for point in control]
    while len(layer) > 1:  # de Casteljau
        layer = [a + t * (b - a) for a, b in pairwise(layer)]
    return np.asarray(layer[0])


def _matrix(one: Json) -> Points:
    """What editing did to an object but for its place: skew, then scale and flip, then turn."""
    angle = radians(one.get("angle", 0))
    turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    return np.asarray(turn @ _dimensions(one))


def _dimensions(one: Json) -> Points:
    scale = np.diag(
        (
            one.get("scaleX", 1) * (-1 if one.get("flipX") else 1),
            one.get("scaleY", 1) * (-1 if one.get("flipY") else 1),
        )
    )
    skew_x = np.array([[1, tan(radians(one.get("skewX", 0)))], [0, 1]])
    skew_y = np.array([[1, 0], [tan(radians(one.get("skewY", 0))), 1]])
    return np.asarray(scale @ skew_x @ skew_y)


def _centre(one: Json, local: Points, matrix: Points) -> Points:
    """Where an object's centre lies: ``left`` and ``top`` may name an edge, outline included."""
    origin = np.array(
        (_ORIGINS[one.get("originX", "center")], _ORIGINS[one.get("originY", "center")])
    )
    place = np.array((one["left"], one["top"]), float)
    if not origin.any():
        return place
    outline = one.get("strokeWidth", 0)
    before, after = (0, outline) if one.get("strokeUniform", False) else (outline, 0)
    size = np.ptp(local, axis=0) + before
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * size / 2 @ _dimensions(one).T
    angle = radians(one.get("angle", 0))
    turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    return np.asarray(place - turn @ (origin * (np.ptp(corners, axis=0) + after)))


def _object(stroke: Stroke, view: View) -> dict[str, Any]:
    points = view.to_canvas(stroke.array()).round(_DECIMALS)
    if stroke.kind is StrokeKind.BRUSH and len(points) == 1:
        points = points + np.array([(-_DOT_PX / 5, 0), (_DOT_PX / 5, 0)])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    colour = ERASE if stroke.erases else PAINT
    look = {
        "left": float(middle[0]),
        "top": float(middle[1]),
        "originX": "center",
        "originY": "center",
        "stroke": LASSO if stroke.kind is StrokeKind.LASSO else colour,
        "strokeWidth": stroke.width_px * view.scale,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
        "fill": colour if stroke.kind is StrokeKind.POLYGON else None,
    }
    if stroke.is_area:
        return {"type": "Polygon", "points": [{"x": x, "y": y} for x, y in points.tolist()], **look}
    commands = [["L", x, y] for x, y in points.tolist()]
    commands[0][0] = "M"
    return {"type": "Path", "path": commands, **look}
