from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.painting.mask_preview import preview_mask
from studio.errors import UserInputError
from studio.imaging.drawing import Drawing, Stroke, StrokeKind, render
from studio.imaging.picture import Picture, Pixels
from studio.params import InpaintParams
from studio.tools.inpaint.mask import build_mask

WIDTH_PX, HEIGHT_PX = 120, 90


def grey(levels: Pixels) -> Picture:
    """A mask as it comes from a file: grey, opaque."""
    return Picture(np.repeat(levels[..., np.newaxis], 3, axis=2))


def box(left: int, top: int, right: int, bottom: int) -> Pixels:
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def dot(x: float, y: float, width_px: float, *, erases: bool = False) -> Stroke:
    return Stroke(kind=StrokeKind.BRUSH, points=((x, y),), width_px=width_px, erases=erases)


def make_mask(
    mask: Picture | None = None, strokes: tuple[Stroke, ...] = (), **params: Any
) -> Pixels:
    inputs = {"image": Picture(np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8))}
    if mask is not None:
        inputs["mask"] = mask
    if strokes:
        drawing = Drawing(width_px=WIDTH_PX, height_px=HEIGHT_PX, strokes=strokes)
        inputs["drawing"] = render(drawing, WIDTH_PX, HEIGHT_PX)
    return build_mask(inputs, InpaintParams(**{"grow_px": 0, "feather_px": 0, **params}))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"preset": "full"}, (0, 0, 120, 90)),
        ({"preset": "centre", "preset_size_ratio": 0.5}, (30, 22, 90, 67)),
        ({"preset": "corner", "preset_size_ratio": 0.1, "corner": "top-left"}, (0, 0, 12, 9)),
        ({"preset": "corner", "preset_size_ratio": 0.1, "corner": "top-right"}, (108, 0, 120, 9)),
        ({"preset": "corner", "preset_size_ratio": 0.1}, (108, 81, 120, 90)),
        (
            {"preset": "corner", "preset_size_ratio": 0.1, "corner": "bottom-left"},
            (0, 81, 12, 90),
        ),
    ],
)
def test_build_mask_of_a_preset_covers_its_box(
    params: dict[str, Any], expected: tuple[int, int, int, int]
) -> None:
    assert np.array_equal(make_mask(**params), box(*expected))


def test_build_mask_unites_preset_and_grey_mask() -> None:
    given_mask = box(5, 5, 20, 20)
    mask = make_mask(grey(given_mask), preset="corner", preset_size_ratio=0.1)
    assert np.array_equal(mask, np.maximum(given_mask, box(108, 81, 120, 90)))


def test_build_mask_reads_the_alpha_of_a_cutout_and_not_its_colours() -> None:
    alpha = box(5, 5, 20, 20)
    white = np.full((HEIGHT_PX, WIDTH_PX, 3), 255, np.uint8)
    assert np.array_equal(make_mask(Picture(white, alpha)), alpha)


def test_build_mask_reads_the_colours_where_the_alpha_says_nothing() -> None:
    levels = box(5, 5, 20, 20)
    opaque = np.full_like(levels, 255)
    assert np.array_equal(make_mask(Picture(grey(levels).pixels, opaque)), levels)


def test_build_mask_counts_soft_levels_from_the_middle_as_painted() -> None:
    levels = box(5, 5, 20, 20) // 2
    levels[30:40, 30:40] = 128
    assert np.array_equal(make_mask(grey(levels)), box(30, 30, 40, 40))


def test_build_mask_eraser_takes_away_from_preset_and_given_mask() -> None:
    strokes = (dot(12, 12, 6, erases=True), dot(60, 45, 10, erases=True), dot(100, 20, 8))
    mask = make_mask(grey(box(5, 5, 20, 20)), strokes, preset="centre")
    assert (mask[12, 12], mask[45, 60], mask[20, 100]) == (0, 0, 255)
    assert (mask[6, 6], mask[45, 50]) == (255, 255)


def test_build_mask_eraser_takes_away_from_earlier_strokes_only() -> None:
    mask = make_mask(strokes=(dot(40, 40, 20), dot(40, 40, 12, erases=True), dot(40, 40, 4)))
    assert (mask[40, 40], mask[40, 44], mask[40, 48]) == (255, 0, 255)


def test_build_mask_inverts_what_is_painted_before_it_grows() -> None:
    mask = make_mask(grey(box(30, 30, 60, 60)), invert=True, grow_px=5)
    assert np.array_equal(mask == 0, box(35, 35, 55, 55) == 255)


def test_build_mask_without_anything_masked_is_refused() -> None:
    for params in ({}, {"preset": "full", "invert": True}, {"invert": False, "grow_px": 9}):
        with pytest.raises(UserInputError) as refusal:
            make_mask(**params)
        assert refusal.value.code == "inpaint.nothing_masked"


def test_build_mask_that_is_narrowed_away_is_refused() -> None:
    with pytest.raises(UserInputError) as refusal:
        make_mask(grey(box(30, 30, 36, 36)), grow_px=-10)
    assert refusal.value.code == "inpaint.nothing_masked"


def test_build_mask_of_another_size_is_stretched_with_clear_edges() -> None:
    half = np.zeros((45, 60), np.uint8)
    half[:, 30:] = 200
    mask = make_mask(grey(half), feather_px=0)
    assert mask.shape == (90, 120)
    assert np.array_equal(np.unique(mask[:, :59]), [0])
    assert np.array_equal(np.unique(mask[:, 61:]), [255])


points = st.tuples(st.floats(0, 640), st.floats(0, 480))
strokes = st.builds(
    Stroke,
    kind=st.sampled_from(StrokeKind),
    points=st.lists(points, min_size=1, max_size=5).map(tuple),
    width_px=st.floats(24, 160),
    erases=st.booleans(),
)


dots = st.builds(
    Stroke,
    kind=st.just(StrokeKind.BRUSH),
    points=st.tuples(st.tuples(st.floats(200, 440), st.floats(200, 280))),
    width_px=st.floats(24, 160),
    erases=st.just(False),
)
presets = st.sampled_from(("none", "centre", "corner"))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    painted=st.lists(strokes, min_size=1, max_size=4).map(tuple),
    preset=presets,
    feather_px=st.integers(0, 40),
    invert=st.booleans(),
)
def test_preview_has_the_geometry_of_the_run_to_a_pixel_of_the_preview(
    painted: tuple[Stroke, ...], preset: str, feather_px: int, invert: bool
) -> None:
    assert_same_geometry(painted, preset=preset, feather_px=feather_px, invert=invert)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    dot=dots,
    preset=presets,
    grow_px=st.integers(-40, 60),
    feather_px=st.integers(0, 40),
    invert=st.booleans(),
)
def test_preview_of_what_grows_has_the_geometry_of_the_run(dot: Stroke, **options: Any) -> None:
    """Of a dot, for growth makes much of slivers that the reduced picture cannot show."""
    assert_same_geometry((dot,), **options)


def assert_same_geometry(painted: tuple[Stroke, ...], **options: Any) -> None:
    params = InpaintParams(**options)
    drawing = Drawing(width_px=640, height_px=480, strokes=painted)
    inputs = {
        "image": Picture(np.zeros((480, 640, 3), np.uint8)),
        "drawing": render(drawing, 640, 480),
    }
    try:
        whole = build_mask(inputs, params)
    except UserInputError:
        whole = np.zeros((480, 640), np.uint8)
    shown = preview_mask(params, drawing, None, 160, 120)
    run = whole.reshape(120, 4, 160, 4).mean(axis=(1, 3))
    # At most a fifth of this was found among 1,500 of the worst that could be searched for.
    assert disagreement(run, shown.astype(float)) <= 0.001


def disagreement(first: np.ndarray, second: np.ndarray) -> float:
    """Share of pixels solid in one picture and clear, a pixel around, in the other."""
    wrong = np.zeros(first.shape, bool)
    for one, other in ((first, second), (second, first)):
        wrong |= (one >= 200) & (highest_near(other) < 55)
    return float(wrong.mean())


def highest_near(levels: np.ndarray) -> np.ndarray:
    framed = np.pad(levels, 1, "edge")
    windows = np.lib.stride_tricks.sliding_window_view(framed, (3, 3))
    return np.asarray(windows.max(axis=(2, 3)))
