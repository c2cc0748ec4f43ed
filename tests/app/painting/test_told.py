from __future__ import annotations

from typing import Any

import pytest

from app.painting import told
from app.painting.canvas_json import View, to_canvas
from app.painting.told import read_canvas
from studio.errors import UserInputError
from studio.imaging.drawing import MAX_ALL_POINTS, MAX_STROKES, Drawing, Stroke, StrokeKind

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
        [line(["M", 1, 1])] * (MAX_STROKES + 2),
        [line(*([["L", 1, 1]] * (MAX_ALL_POINTS // 2 + 1)))] * 2,
    ],
    ids=["objects", "points"],
)
def test_more_than_a_hand_paints_is_counted_before_it_is_read(
    objects: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(told, "reading_pool", read)
    with pytest.raises(UserInputError, match="more than a hand can paint") as refusal:
        read_canvas({"objects": objects}, (), VIEW)
    assert refusal.value.code == "drawing.too_complex"


def test_curve_that_would_fill_the_memory_is_refused() -> None:
    bend = line(["M", 0, 0], ["Q", 1e22, 1e22, 3, 3])
    with pytest.raises(UserInputError, match="more than a hand can paint"):
        read_canvas({"objects": [bend]}, (), VIEW)
