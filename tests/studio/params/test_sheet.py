from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.params.sheet import CAPTIONS, SheetLayout
from studio.tools.cartoon.sheet import compose_sheet, spread_mask

COUNT = len(CAPTIONS) + 1


@pytest.mark.parametrize(("width", "height", "columns"), [(600, 400, 2), (400, 600, 3), (9, 9, 3)])
def test_sheet_of_wide_pictures_has_two_in_a_row(width: int, height: int, columns: int) -> None:
    assert SheetLayout.of(width, height, 1024).columns == columns


@given(
    width=st.integers(1, 6000),
    height=st.integers(1, 6000),
    long_side_px=st.sampled_from([512, 1024, 2048, None]),
)
@settings(deadline=None)
def test_sheet_keeps_every_picture_inside_and_apart(
    width: int, height: int, long_side_px: int | None
) -> None:
    layout = SheetLayout.of(width, height, long_side_px)
    sheet_width, sheet_height = layout.size

    boxes = []
    for index in range(COUNT):
        left, top = layout.corner(index)
        right = left + layout.picture_width_px
        caption_bottom = layout.caption_middle(index)[1] + layout.font_px
        assert layout.margin_px <= left
        assert layout.margin_px <= top
        assert right <= sheet_width - layout.margin_px
        assert caption_bottom <= sheet_height
        boxes.append((left, top, right, caption_bottom))
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            is_apart_across = one[2] <= other[0] or other[2] <= one[0]
            assert is_apart_across or one[3] <= other[1] or other[3] <= one[1]


def test_sheet_shows_the_pictures_in_order_with_a_caption_under_each() -> None:
    layout = SheetLayout.of(300, 200, 512)
    size = (layout.picture_height_px, layout.picture_width_px, 3)
    pictures = [np.full(size, 20 * index, np.uint8) for index in range(COUNT)]

    sheet = compose_sheet(layout, pictures)

    assert sheet.shape[1::-1] == layout.size
    for index in range(COUNT):
        left, top = layout.corner(index)
        assert (sheet[top : top + size[0], left : left + size[1]] == 20 * index).all()
        x, y = layout.caption_middle(index)
        reach = layout.font_px // 2
        letters = sheet[y - reach : y + reach, x - 2 * reach : x + 2 * reach]
        assert letters.min() < 120


def test_mask_of_a_sheet_leaves_margins_and_captions_out() -> None:
    layout = SheetLayout.of(300, 200, 512)
    mask = np.full((layout.picture_height_px, layout.picture_width_px), 255, np.uint8)

    spread = spread_mask(layout, mask)

    assert np.count_nonzero(spread) == COUNT * mask.size
    assert set(np.unique(spread)) == {0, 255}
