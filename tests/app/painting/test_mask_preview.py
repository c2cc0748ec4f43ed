from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.painting.canvas_json import View
from app.painting.mask_preview import has_mask, preview_mask, start_mask, tint_png
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from studio.imaging.picture import Pixels
from studio.params import HOLE_LEVEL, Corner, InpaintParams, MaskPreset

WIDTH_PX, HEIGHT_PX = 400, 300
"""Of the preview; the picture is ten times as large."""
PLAIN = InpaintParams(grow_px=0, feather_px=0)
INVERTED = PLAIN.model_copy(update={"invert": True})
NARROWED = PLAIN.model_copy(update={"grow_px": -3})


def drawing(*strokes: Stroke) -> Drawing:
    return Drawing(width_px=4000, height_px=3000, strokes=strokes)


def dot(x: float, y: float, width_px: float, *, erases: bool = False) -> Stroke:
    return Stroke(kind=StrokeKind.BRUSH, points=((x, y),), width_px=width_px, erases=erases)


def preview(
    params: InpaintParams, painted: Drawing | None = None, given: Pixels | None = None
) -> Pixels:
    return preview_mask(params, painted or drawing(), given, WIDTH_PX, HEIGHT_PX)


def radius_px(mask: Pixels, level: int = 128) -> float:
    """Of the disc that has as many pixels."""
    return float(np.sqrt((mask >= level).sum() / np.pi))


def test_painting_is_shown_at_its_place() -> None:
    mask = preview(PLAIN, drawing(dot(2000, 1500, 400)))
    assert radius_px(mask) == pytest.approx(20, abs=0.2)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx((149.5, 199.5), abs=0.1)


@pytest.mark.parametrize("grow_px", [-100, -30, 30, 100])
def test_grow_moves_the_edge_by_that_many_pixels_of_the_picture(grow_px: int) -> None:
    mask = preview(InpaintParams(grow_px=grow_px, feather_px=0), drawing(dot(2000, 1500, 400)))
    assert radius_px(mask) == pytest.approx(20 + grow_px / 10, abs=1)


def test_grow_reaches_as_far_in_every_direction() -> None:
    mask = preview(InpaintParams(grow_px=100, feather_px=0), drawing(dot(2000, 1500, 40)))
    rows, columns = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    far = np.hypot(columns + 0.5 - 200, rows + 0.5 - 150)
    assert (mask[far < 11] == 255).all()
    assert not mask[far > 13].any()


def test_feather_softens_outwards_alone() -> None:
    sharp = preview(PLAIN, drawing(dot(2000, 1500, 400)))
    soft = preview(InpaintParams(grow_px=0, feather_px=60), drawing(dot(2000, 1500, 400)))
    assert (soft[sharp == 255] == 255).all()
    assert ((soft > 0) & (soft < 255)).any()
    assert radius_px(soft, level=1) < 20 + 12


def test_invert_turns_all_of_it_round_before_it_grows() -> None:
    params = InpaintParams(invert=True, grow_px=50, feather_px=0)
    mask = preview(params, drawing(dot(2000, 1500, 400)))
    assert radius_px(np.asarray(255 - mask, np.uint8)) == pytest.approx(15, abs=1)


def test_given_mask_is_stretched_and_painted_over() -> None:
    given = np.zeros((30, 40), np.uint8)
    given[:, :20] = 255
    mask = preview(PLAIN, drawing(dot(1000, 1500, 400, erases=True), dot(3000, 1500, 400)), given)
    assert (mask[20, 50], mask[20, 350]) == (255, 0)
    assert (mask[150, 100], mask[150, 300]) == (0, 255)


@pytest.mark.parametrize(
    ("preset", "corner", "box"),
    [
        (MaskPreset.NONE, Corner.TOP_LEFT, (0, 0, 0, 0)),
        (MaskPreset.FULL, Corner.TOP_LEFT, (0, 0, 400, 300)),
        (MaskPreset.CENTRE, Corner.TOP_LEFT, (150, 112, 250, 188)),
        (MaskPreset.CORNER, Corner.TOP_LEFT, (0, 0, 100, 75)),
        (MaskPreset.CORNER, Corner.TOP_RIGHT, (300, 0, 400, 75)),
        (MaskPreset.CORNER, Corner.BOTTOM_LEFT, (0, 225, 100, 300)),
        (MaskPreset.CORNER, Corner.BOTTOM_RIGHT, (300, 225, 400, 300)),
    ],
)
def test_ready_made_mask_lies_where_it_says(
    preset: MaskPreset, corner: Corner, box: tuple[int, int, int, int]
) -> None:
    mask = preview(InpaintParams(preset=preset, corner=corner, grow_px=0, feather_px=0))
    expected = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    left, top, right, bottom = box
    expected[top:bottom, left:right] = 255
    assert (mask != expected).sum() <= 2 * WIDTH_PX


def test_view_of_a_part_shows_that_part_of_the_mask() -> None:
    given = np.zeros((300, 400), np.uint8)
    given[:, 200:] = 255
    params = InpaintParams(preset=MaskPreset.CORNER, corner=Corner.TOP_LEFT)
    part = View(0, 0, 2000, 1500, 200, 150)
    mask = start_mask(params, given, drawing(), part)
    assert (mask[10, 10], mask[100, 50]) == (255, 0)
    part = View(2000, 1500, 2000, 1500, 200, 150)
    assert (start_mask(params, given, drawing(), part) == 255).all()


def test_tint_is_red_where_it_repaints_and_clear_elsewhere() -> None:
    mask = np.array([[0, 255]], np.uint8)
    with Image.open(BytesIO(tint_png(mask))) as image:
        assert image.getpixel((0, 0))[3] == 0
        red, green, _, alpha = image.getpixel((1, 0))
    assert red > 200 > green
    assert 100 < alpha < 200


def _mask_picture(value: int, *, at_one_place: int) -> Pixels:
    mask = np.full((3000, 4000), value, dtype=np.uint8)
    mask[1500, 2000] = at_one_place
    return mask


@pytest.mark.parametrize(
    ("params", "painted", "given", "is_masked"),
    [
        (PLAIN, drawing(), None, False),
        (PLAIN, drawing(dot(2000, 1500, 2)), None, True),
        (PLAIN, drawing(dot(2000, 1500, 2), dot(2000, 1500, 4, erases=True)), None, False),
        (PLAIN, drawing(dot(-50, -50, 2)), None, False),
        (PLAIN, drawing(), _mask_picture(0, at_one_place=0), False),
        (PLAIN, drawing(), _mask_picture(0, at_one_place=255), True),
        (INVERTED, drawing(), _mask_picture(255, at_one_place=255), False),
        (INVERTED, drawing(), _mask_picture(255, at_one_place=0), True),
        (INVERTED, drawing(dot(9, 9, 4, erases=True)), _mask_picture(255, at_one_place=255), True),
        (NARROWED, drawing(dot(2000, 1500, 10)), None, True),
        (NARROWED, drawing(dot(2000, 1500, 2), dot(2000, 1500, 4, erases=True)), None, False),
        (NARROWED, drawing(), _mask_picture(0, at_one_place=255), True),
    ],
    ids=[
        "nothing",
        "a dot",
        "a dot, erased",
        "a dot outside",
        "a black mask",
        "a mask of one pixel",
        "a white mask, inverted",
        "a mask but for one pixel, inverted",
        "a white mask with a dot erased, inverted",
        "a dot, narrowed",
        "a dot, erased and narrowed",
        "a mask of one pixel, narrowed to nothing as the run says",
    ],
)
def test_mask_too_small_for_the_preview_is_told_from_none(
    params: InpaintParams, painted: Drawing, given: Pixels | None, is_masked: bool
) -> None:
    assert not (preview(params, painted, given) >= HOLE_LEVEL).any()
    assert has_mask(params, painted, given) is is_masked


@pytest.mark.parametrize("preset", [MaskPreset.CORNER, MaskPreset.CENTRE])
@pytest.mark.parametrize(
    ("size_ratio", "invert", "painted", "is_masked"),
    [
        (0.02, False, (), True),
        (0.02, False, [dot(6000, 200, 40_000, erases=True)], False),
        (0.995, True, (), True),
        (1.0, True, (), False),
    ],
)
def test_ready_made_mask_too_thin_for_the_preview_is_told_from_none(
    preset: MaskPreset,
    size_ratio: float,
    invert: bool,
    painted: Sequence[Stroke],
    is_masked: bool,
) -> None:
    params = InpaintParams(
        preset=preset, preset_size_ratio=size_ratio, invert=invert, grow_px=0, feather_px=0
    )
    long = Drawing(width_px=12_000, height_px=400, strokes=tuple(painted))
    assert not (preview_mask(params, long, None, 100, 2) >= HOLE_LEVEL).any()
    assert has_mask(params, long, None) is is_masked


def test_given_mask_of_a_pixel_shows_in_a_picture_larger_than_what_is_looked_at() -> None:
    given = _mask_picture(0, at_one_place=255)
    large = Drawing(width_px=8000, height_px=6000, strokes=())
    assert has_mask(PLAIN, large, given)
