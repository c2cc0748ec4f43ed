from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.painting.canvas_json import (
    ERASE,
    LASSO,
    PAINT,
    View,
    generation_of,
    recognise,
    to_canvas,
    to_strokes,
)
from studio.imaging.drawing import MAX_POINTS, Drawing, Stroke, StrokeKind, render

WHOLE = View(0, 0, 600, 400, 600, 400)
FIT = View(0, 0, 4000, 3000, 867, 650)
PART = View(1000, 750, 2000, 1500, 867, 650)


def path(*commands: list[Any], **edits: Any) -> dict[str, Any]:
    """A stroke as the browser sends it; ``left`` and ``top`` are those of its centre."""
    return {
        "type": "Path",
        "originX": "center",
        "originY": "center",
        "left": 100,
        "top": 65,
        "stroke": PAINT,
        "strokeWidth": 20,
        "strokeUniform": False,
        "fill": None,
        "path": list(commands),
        "scaleX": 1,
        "scaleY": 1,
        "angle": 0,
        "skewX": 0,
        "skewY": 0,
        "flipX": False,
        "flipY": False,
        **edits,
    }


def box(**edits: Any) -> dict[str, Any]:
    """A rectangle as the browser sends it; ``left`` and ``top`` are its outline's corner."""
    return {
        "type": "Rect",
        "originX": "left",
        "originY": "top",
        "left": 300,
        "top": 100,
        "width": 100,
        "height": 60,
        "stroke": PAINT,
        "fill": PAINT,
        "strokeWidth": 2,
        "strokeUniform": True,
        **edits,
    }


def only(one: dict[str, Any], view: View = WHOLE) -> Stroke:
    [stroke] = to_strokes({"objects": [one]}, view)
    return stroke


def test_brush_stroke_keeps_its_place_and_width() -> None:
    stroke = only(path(["M", 50, 50], ["L", 100, 80], ["L", 150, 60]))
    assert (stroke.kind, stroke.erases, stroke.width_px) == (StrokeKind.BRUSH, False, 20)
    assert stroke.points == ((50, 50), (100, 80), (150, 60))


def test_curve_is_followed_to_a_fraction_of_a_pixel() -> None:
    one = path(["M", 0, 0], ["Q", 100, 200, 200, 0], left=100, top=50)
    points = only(one).array()
    t = points[:, 0] / 200
    assert np.abs(points[:, 1] - 400 * t * (1 - t)).max() < 0.02
    middles = (points[1:] + points[:-1]) / 2
    t = middles[:, 0] / 200
    assert np.abs(middles[:, 1] - 400 * t * (1 - t)).max() < 0.05


def test_cubic_curve_goes_through_its_middle() -> None:
    one = path(["M", 0, 0], ["C", 0, 100, 200, 100, 200, 0], left=100, top=37.5)
    points = only(one).array()
    assert np.hypot(*(points - (100, 75)).T).min() < 2


def test_dot_is_one_point() -> None:
    stroke = only(path(["M", 199.98, 200], ["L", 200.02, 200], left=200, top=200))
    assert stroke.points == ((200, 200),)


def test_view_of_a_part_puts_strokes_where_the_picture_was_painted() -> None:
    one = path(["M", 0, 0], ["L", 867, 650], left=433.5, top=325, strokeWidth=10)
    stroke = only(one, PART)
    assert stroke.points == ((1000, 750), (3000, 2250))
    assert stroke.width_px == pytest.approx(10 * 2000 / 867, rel=1e-3)


def test_colours_say_what_an_object_is() -> None:
    line = (["M", 0, 0], ["L", 9, 9], ["L", 0, 9])
    assert only(path(*line, stroke=ERASE)).erases
    assert only(path(*line, stroke=LASSO)).kind is StrokeKind.LASSO
    assert only(box(stroke=ERASE, fill=ERASE)).erases


def test_box_is_a_polygon_of_its_corners() -> None:
    stroke = only(box())
    assert stroke.kind is StrokeKind.POLYGON
    assert stroke.points == ((301, 101), (401, 101), (401, 161), (301, 161))


def test_polygon_keeps_its_corners() -> None:
    corners = [(300, 250), (400, 250), (350, 350)]
    points = [{"x": x, "y": y} for x, y in corners]
    one = {"type": "Polygon", "points": points, "left": 350, "top": 300, "stroke": PAINT}
    assert only(one).points == tuple(corners)


def test_circle_and_ellipse_are_round() -> None:
    circle = only({"type": "Circle", "radius": 40, "left": 200, "top": 100, "stroke": PAINT})
    assert np.hypot(*(circle.array() - (200, 100)).T) == pytest.approx(40, abs=0.01)
    ellipse = only({"type": "Ellipse", "rx": 40, "ry": 10, "left": 0, "top": 0, "stroke": PAINT})
    assert np.ptp(ellipse.array(), axis=0) == pytest.approx((80, 20), abs=0.01)


def test_line_is_a_brush_stroke() -> None:
    one = {"type": "Line", "x1": -50, "y1": -20, "x2": 50, "y2": 20, "left": 100, "top": 100}
    stroke = only({**one, "stroke": PAINT, "strokeWidth": 8, "fill": PAINT})
    assert stroke.kind is StrokeKind.BRUSH
    assert stroke.points == ((50, 80), (150, 120))


def test_moved_stroke_goes_with_its_centre() -> None:
    moved = path(["M", 50, 50], ["L", 150, 80], left=140, top=105)
    assert only(moved).points == ((90, 90), (190, 120))


def test_turned_stroke_turns_about_its_centre() -> None:
    turned = path(["M", 50, 65], ["L", 150, 65], angle=90)
    assert only(turned).array() == pytest.approx(np.array([(100, 15), (100, 115)]), abs=0.01)


def test_stretched_stroke_grows_with_its_line() -> None:
    stretched = path(["M", 50, 65], ["L", 150, 65], scaleX=2, scaleY=2)
    stroke = only(stretched)
    assert stroke.points == ((0, 65), (200, 65))
    assert stroke.width_px == 40
    assert only(box(scaleX=3)).width_px == 2


def test_flipped_and_skewed_stroke_is_mirrored_and_slanted() -> None:
    corners = (["M", 50, 50], ["L", 150, 50], ["L", 150, 80])
    assert only(path(*corners, flipX=True)).points == ((150, 50), (50, 50), (50, 80))
    slanted = only(path(*corners, skewX=45)).points
    assert slanted == ((35, 50), (135, 50), (165, 80))


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_box_turned_about_its_corner_keeps_its_middle(angle: float) -> None:
    """A turn about the middle moves ``left`` and ``top``; they are those of the outline."""
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corner = np.array((351, 131)) - matrix @ (51, 31)
    turned = only(box(left=corner[0], top=corner[1], angle=angle))
    assert turned.array().mean(axis=0) == pytest.approx((351, 131), abs=0.01)


def test_text_and_unknown_objects_are_left_out() -> None:
    assert to_strokes({"objects": [{"type": "IText", "text": "?"}, path()]}, WHOLE) == ()


def test_endless_stroke_is_thinned_and_not_refused() -> None:
    commands = [["M", 0, 0], *(["L", i % 600, i / 100] for i in range(1, 30_000))]
    stroke = only(path(*commands, left=299.5, top=149.995))
    assert len(stroke.points) == MAX_POINTS


def test_canvas_says_which_generation_it_was_given() -> None:
    given = to_canvas(Drawing(width_px=600, height_px=400), WHOLE, generation=7)
    assert generation_of(given) == 7
    assert generation_of({"objects": [box()]}) is None
    assert to_strokes(given, WHOLE) == ()


coordinates = st.tuples(st.floats(-50, 4050), st.floats(-50, 3050)).map(
    lambda point: (round(point[0], 3), round(point[1], 3))
)
strokes = st.builds(
    Stroke,
    kind=st.sampled_from(StrokeKind),
    points=st.lists(coordinates, min_size=3, max_size=8).map(tuple),
    width_px=st.floats(1, 400).map(lambda width: round(width, 3)),
).filter(lambda stroke: np.ptp(stroke.array(), axis=0).max() > 5)


@settings(max_examples=60, deadline=None)
@given(painted=st.lists(strokes, max_size=4), view=st.sampled_from((FIT, PART)))
def test_drawing_shown_and_read_again_is_the_same(painted: list[Stroke], view: View) -> None:
    drawing = Drawing(width_px=4000, height_px=3000, strokes=tuple(painted))
    again = to_strokes(to_canvas(drawing, view), view)
    for one, other in zip(painted, again, strict=True):
        assert other.array() == pytest.approx(one.array(), abs=0.01)
    assert recognise(again, drawing.strokes, view) == drawing.strokes


def test_recognise_tells_new_strokes_from_known_ones() -> None:
    known = Stroke(kind=StrokeKind.BRUSH, points=((10, 10), (90, 10)), width_px=20)
    near = known.model_copy(update={"points": ((10.1, 10), (90, 10.1))})
    moved = known.model_copy(update={"points": ((13, 10), (93, 10))})
    assert recognise([near, moved], [known], WHOLE) == (known, moved)
    assert recognise([near, near], [known], WHOLE) == (known, near)


def test_drawing_as_its_canvas_shows_it_is_the_drawing_made_smaller() -> None:
    stroke = Stroke(kind=StrokeKind.BRUSH, points=((500, 600), (3000, 2500)), width_px=300)
    drawing = Drawing(width_px=4000, height_px=3000, strokes=(stroke,))
    shown = render(FIT.show(drawing), 867, 650)
    assert shown.alpha is not None
    expected = render(drawing, 867, 650).alpha
    assert (shown.alpha != expected).mean() < 0.001
