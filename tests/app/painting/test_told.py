from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.painting import told
from app.painting.bounds import MAX_POINTS, MAX_STROKES
from app.painting.canvas_json import View, to_canvas
from app.painting.told import read_canvas
from studio.errors import UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind

VIEW = View(0, 0, 600, 400, 300, 200)
STROKE = Stroke(kind=StrokeKind.BRUSH, points=((10, 10), (50, 30.123)), width_px=12)


def line(*commands: list[Any]) -> dict[str, Any]:
    return {"type": "Path", "path": commands, "left": 0, "top": 0, "strokeWidth": 3}


def test_known_strokes_come_back_as_they_were() -> None:
    drawing = Drawing(width_px=600, height_px=400, strokes=(STROKE,))
    canvas = to_canvas(drawing, VIEW)
    assert read_canvas(canvas, drawing.strokes, VIEW) == (STROKE,)


@pytest.mark.parametrize(
    "objects",
    [
        [line(["M", 1, 1])] * (MAX_STROKES + 1),
        [line(*([["L", 1, 1]] * (MAX_POINTS // 2 + 1)))] * 2,
    ],
    ids=["objects", "points"],
)
def test_read_canvas_of_more_than_a_drawing_takes_is_refused_before_it_is_read(
    objects: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(told, "reading_pool", read)
    with pytest.raises(UserInputError, match="the drawing is full") as refusal:
        read_canvas({"objects": objects}, (), VIEW)
    assert refusal.value.code == "drawing.full"


@pytest.mark.slow
def test_read_canvas_of_few_curves_with_too_many_points_is_refused() -> None:
    wave = line(["M", 0, 0], *(["Q", 50, 300, 0, step] for step in range(100)))
    with pytest.raises(UserInputError) as refusal:
        read_canvas({"objects": [wave] * 200}, (), VIEW)
    assert refusal.value.code == "drawing.full"


def test_read_canvas_of_what_was_there_reads_it_however_much_it_is() -> None:
    dots = [
        Stroke(kind=StrokeKind.BRUSH, points=((x, 1.0),), width_px=3)
        for x in range(MAX_STROKES + 9)
    ]
    drawing = Drawing(width_px=600, height_px=400, strokes=tuple(dots))
    canvas = to_canvas(drawing, VIEW)
    assert read_canvas(canvas, drawing.strokes, VIEW) == drawing.strokes
    canvas["objects"].append(line(["M", 1, 1], ["L", 9, 9]))
    with pytest.raises(UserInputError, match="the drawing is full"):
        read_canvas(canvas, drawing.strokes, VIEW)


def test_read_canvas_gives_back_the_strokes_it_knew_themselves() -> None:
    """So that a page holds a stroke once, however many drawings hold it."""
    canvas = to_canvas(Drawing(width_px=600, height_px=400, strokes=(STROKE,)), VIEW)
    [found] = read_canvas(canvas, (STROKE,), VIEW)
    assert found is STROKE


@pytest.mark.parametrize(
    "painted",
    [
        7,
        {},
        {"type": "Path"},
        line() | {"path": 7},
        line(["M", "x", 1]),
        line(["M", 1]),
        line(["M", 1e999, 1], ["Q", 1, 1, 2, 2]),
        line(["M", 1, 1], ["L", 9, 9]) | {"left": None},
        line(["M", 1, 1], ["L", 9, 9]) | {"originX": "edge"},
        line(["M", 1, 1], ["L", 9, 9]) | {"strokeWidth": -3},
    ],
)
def test_read_canvas_of_what_no_canvas_writes_is_refused_and_logged(
    painted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UserInputError) as refusal:
        read_canvas({"objects": [painted]}, (), VIEW)
    assert refusal.value.code == "drawing.unreadable"
    assert "in _stroke" in caplog.text, "where it was found"


def test_read_canvas_fault_of_our_own_is_not_said_to_be_the_browsers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(told, "reading_pool", lambda: SimpleNamespace(run=lambda call, **_: call()))
    monkeypatch.setattr(told, "recognise", fail)
    with pytest.raises(ValueError, match="ours"):
        read_canvas({"objects": [line(["M", 1, 1], ["L", 9, 9])]}, (), VIEW)


def test_curve_that_would_fill_the_memory_is_refused() -> None:
    bend = line(["M", 0, 0], ["Q", 1e22, 1e22, 3, 3])
    with pytest.raises(UserInputError, match="more than a hand can paint"):
        read_canvas({"objects": [bend]}, (), VIEW)
