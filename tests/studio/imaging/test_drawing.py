from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind, painted, render

Mask = npt.NDArray[np.bool_]


def brush(*points: tuple[float, float], width_px: float = 10, erases: bool = False) -> Stroke:
    return Stroke(kind=StrokeKind.BRUSH, points=points, width_px=width_px, erases=erases)


def drawing(*strokes: Stroke, width_px: int = 80, height_px: int = 60) -> Drawing:
    return Drawing(width_px=width_px, height_px=height_px, strokes=strokes)


def touched(one: Drawing, width_px: int | None = None, height_px: int | None = None) -> Mask:
    picture = render(one, width_px or one.width_px, height_px or one.height_px)
    assert picture.alpha is not None
    return picture.alpha > 0


def distances(
    points: list[tuple[float, float]], width_px: int, height_px: int
) -> npt.NDArray[np.float64]:
    """From the centre of each pixel to the nearest point of a line, worked out one by one."""
    rows, columns = np.mgrid[:height_px, :width_px]
    centres = np.stack((columns + 0.5, rows + 0.5), axis=-1)
    found = np.full((height_px, width_px), np.inf)
    ends = points[1:] or points
    for start, end in zip(np.asarray(points, float), np.asarray(ends, float), strict=False):
        along = end - start
        length_squared = float(along @ along) or 1.0
        part = np.clip(((centres - start) @ along) / length_squared, 0, 1)
        nearest = start + part[..., np.newaxis] * along
        found = np.minimum(found, np.linalg.norm(centres - nearest, axis=-1))
    return found


coordinates = st.tuples(st.floats(-20, 100), st.floats(-20, 80))


@settings(max_examples=60, deadline=None)
@given(points=st.lists(coordinates, min_size=1, max_size=6), width_px=st.floats(1, 40))
def test_brush_covers_what_is_within_half_its_width(
    points: list[tuple[float, float]], width_px: float
) -> None:
    shown = touched(drawing(brush(*points, width_px=width_px)))
    distance = distances(points, 80, 60)
    assert shown[distance < width_px / 2 - 1e-6].all()
    assert not shown[distance > width_px / 2 + 1e-6].any()


@pytest.mark.parametrize(
    "points",
    [
        [(461.3, 461.7)],
        [(300.2, 2700.9), (3600.4, 200.1)],
        [(100, 100), (900, 130), (1400, 800), (2500, 700), (3900, 2900)],
    ],
)
def test_brush_on_twelve_megapixels_is_exact_to_the_pixel(
    points: list[tuple[float, float]],
) -> None:
    width_px = 138.4
    shown = touched(drawing(brush(*points, width_px=width_px), width_px=4000, height_px=3000))
    columns, rows = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
    array, radius = np.asarray(points), width_px / 2
    assert abs(columns[0] - (array[:, 0].min() - radius)) <= 1
    assert abs(columns[-1] + 1 - (array[:, 0].max() + radius)) <= 1
    assert abs(rows[0] - (array[:, 1].min() - radius)) <= 1
    assert abs(rows[-1] + 1 - (array[:, 1].max() + radius)) <= 1
    length = np.hypot(*np.diff(array, axis=0).T).sum()
    if len(points) < 3:
        assert shown.sum() == pytest.approx(length * width_px + np.pi * radius**2, rel=1e-3)


def test_drawing_of_a_small_canvas_keeps_its_place_at_full_size() -> None:
    small = drawing(brush((100, 100), width_px=30), width_px=1000, height_px=750)
    shown = touched(small, 4000, 3000)
    rows, columns = np.nonzero(shown)
    assert (columns.min(), rows.min()) == (340, 340)
    assert (columns.max(), rows.max()) == (459, 459)


def test_polygon_fills_what_it_encloses_and_its_outline() -> None:
    corners = ((20, 10), (60, 10), (60, 40), (20, 40))
    filled = Stroke(kind=StrokeKind.POLYGON, points=corners, width_px=0)
    expected = np.zeros((60, 80), bool)
    expected[10:40, 20:60] = True
    assert np.array_equal(touched(drawing(filled)), expected)
    outlined = touched(drawing(filled.model_copy(update={"width_px": 4.0})))
    assert outlined[8:42, 20:60].all()
    assert outlined[10:40, 18:62].all()
    assert outlined.sum() < 34 * 44


def test_lasso_that_crosses_itself_is_filled_like_in_a_browser() -> None:
    """A star drawn in one line: the non-zero rule fills its middle."""
    turn = np.arange(5) * 4 * np.pi / 5
    star = tuple(zip(40 + 25 * np.sin(turn), 30 - 25 * np.cos(turn), strict=True))
    shown = touched(drawing(Stroke(kind=StrokeKind.LASSO, points=star, width_px=0)))
    assert shown[30, 40]
    assert not shown[8, 20]


def test_later_strokes_lie_over_earlier_ones() -> None:
    paint, erase = brush((10, 30), (70, 30)), brush((40, 0), (40, 60), erases=True)
    first = render(drawing(paint, erase), 80, 60)
    assert first.pixels[30, 20].tolist() == [255, 255, 255]
    assert first.pixels[30, 40].tolist() == [0, 0, 0]
    second = render(drawing(erase, paint), 80, 60)
    assert second.pixels[30, 40].tolist() == [255, 255, 255]


def test_painted_adds_and_takes_away() -> None:
    beneath = np.full((60, 80), 77, np.uint8)
    strokes = (brush((10, 30), (70, 30)), brush((40, 0), (40, 60), erases=True))
    mask = painted(drawing(*strokes), 80, 60, beneath)
    assert (mask[30, 20], mask[30, 40], mask[5, 5]) == (255, 0, 77)


def test_stroke_outside_of_the_picture_touches_nothing() -> None:
    assert not touched(drawing(brush((500, 500)), brush((-90, 20), (-80, 20)))).any()


def test_empty_drawing_is_transparent() -> None:
    picture = render(drawing(), 3, 2)
    assert (picture.width, picture.height) == (3, 2)
    assert picture.alpha is not None
    assert not picture.alpha.any()


def test_drawing_written_and_read_is_the_same() -> None:
    first = drawing(brush((0.1, 2 / 3), width_px=1 / 7), brush((1e5, -3), erases=True))
    again = Drawing.parse(first.to_bytes(), file_name="drawing.json")
    assert again == first
    assert again.to_bytes() == first.to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"[]",
        b'{"width_px": 0, "height_px": 3}',
        b'{"width_px": 3, "height_px": 3, "strokes": [{"kind": "brush", "points": []}]}',
        b'{"width_px": 3, "height_px": 3, "objects": []}',
        b'{"width_px": 3, "height_px": 3, "strokes": '
        b'[{"kind": "brush", "points": [[1e400, 0]], "width_px": 1}]}',
    ],
)
def test_drawing_that_cannot_be_read_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(UserInputError) as refused:
        Drawing.parse(data, file_name="mask.json")
    assert refused.value.code == "drawing.unreadable"
    assert "mask.json" in str(refused.value)


def strokes_json(count: int, points: str, width_px: float = 3) -> str:
    one = f'{{"kind": "lasso", "points": {points}, "width_px": {width_px}}}'
    return "[" + ", ".join([one] * count) + "]"


def drawing_json(strokes: str, side_px: int = 50) -> bytes:
    return f'{{"width_px": {side_px}, "height_px": {side_px}, "strokes": {strokes}}}'.encode()


_SQUARE = "[[0, 0], [50, 0], [50, 50], [0, 50]]"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (drawing_json(strokes_json(10_001, _SQUARE)), "more than 10,000 strokes"),
        (drawing_json(strokes_json(1, "[" + "[1,1]," * 20_000 + "[1,1]]")), "A stroke has more"),
        (drawing_json(strokes_json(26, "[" + "[1,1]," * 19_999 + "[1,1]]")), "500,000 points"),
        (drawing_json(strokes_json(9_000, _SQUARE.replace("50", "9000")), 9_000), "too many times"),
        (drawing_json(strokes_json(2, "[" + "[1,1]," * 9_999 + "[1,1]]", 9e4), 9_000), "too many"),
        (b" " * 16_000_001, "16.0 MB of at most 16 MB"),
    ],
    ids=["strokes", "points", "all points", "pixels", "rows", "bytes"],
)
def test_drawing_that_no_hand_paints_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UserInputError, match=r"^mask\.json: This drawing is more than") as refused:
        Drawing.parse(data, file_name="mask.json")
    assert refused.value.code == "drawing.too_complex"
    assert reason in str(refused.value.reason)


@pytest.mark.parametrize("side", [10**30, 2**63, 10**10, 1e400])
def test_drawing_of_no_possible_size_is_refused(side: float) -> None:
    with pytest.raises(UserInputError) as refused:
        Drawing.parse(f'{{"width_px": {side}, "height_px": 1}}'.encode(), file_name="mask.json")
    assert refused.value.code == "drawing.unreadable"


def test_render_of_a_small_drawing_on_a_huge_picture_is_refused() -> None:
    small = Drawing.parse(drawing_json(strokes_json(2_000, _SQUARE)), file_name="mask.json")
    with pytest.raises(UserInputError) as refused:
        render(small, 9_000, 9_000)
    assert refused.value.code == "drawing.too_complex"


def test_render_that_is_no_longer_wanted_ends_between_strokes() -> None:
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        render(drawing(*[brush((10, 30), (70, 30))] * 50), 80, 60, check)
    assert len(calls) == 3


def test_render_of_one_long_stroke_that_is_no_longer_wanted_ends_within_it() -> None:
    calls = []
    long = brush(*[(float(x % 80), float(x % 60)) for x in range(2_000)])
    render(drawing(long), 80, 60, lambda: calls.append(1))
    assert len(calls) > 10
