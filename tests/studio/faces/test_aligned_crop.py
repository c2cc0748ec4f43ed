from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.faces.aligned_crop import box_mask, cut_aligned, paste
from tests.metrics import psnr_db
from tests.studio.tools.faceswap.faces import astronaut, make_face

PER_CENT = st.integers(0, 100)


@settings(deadline=None, max_examples=40)
@given(
    size_px=st.sampled_from([128, 256, 512]),
    blur=st.floats(0, 1),
    padding=st.tuples(PER_CENT, PER_CENT, PER_CENT, PER_CENT),
)
def test_box_mask_stays_between_zero_and_one(
    size_px: int, blur: float, padding: tuple[int, int, int, int]
) -> None:
    mask = box_mask(size_px, blur, padding)

    assert mask.shape == (size_px, size_px)
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    assert mask.max() <= 1 + 1e-6


def test_box_mask_padding_is_top_right_bottom_left() -> None:
    mask = box_mask(100, 0.0, (10, 20, 30, 40))

    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max()) == (10, 69)
    assert (columns.min(), columns.max()) == (40, 79)


@pytest.mark.parametrize("size_px", [128, 256, 512])
def test_crop_pasted_back_unchanged_gives_the_picture_back(size_px: int) -> None:
    me = astronaut()
    crop = cut_aligned(me.pixels, me.face, "arcface_128", size_px)

    same = paste(me.pixels, crop, crop.pixels, box_mask(size_px, 0.3, (0, 0, 0, 0)))

    assert psnr_db(same, me.pixels) > 40


def test_crop_of_a_face_cut_by_the_border_is_pasted_where_there_is_picture() -> None:
    me = astronaut()
    part = np.ascontiguousarray(me.pixels[100:, 220:])
    face = make_face(me.face.mesh - np.array([220, 100, 0], np.float32))
    crop = cut_aligned(part, face, "ffhq_512", 512)

    changed = paste(part, crop, 255 - crop.pixels, np.ones((512, 512), np.float32))

    assert changed.shape == part.shape
    assert not np.array_equal(changed, part)
    assert np.array_equal(changed[300:], part[300:])
