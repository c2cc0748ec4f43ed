"""Glasses drawn on the astronaut, who wears none."""

from __future__ import annotations

import numpy as np
import pytest

from studio.faces.glasses import wears_glasses
from tests.studio.tools.swapping.faces import astronaut, enlarged, spectacled


def test_wears_glasses_of_a_bare_face_is_false() -> None:
    me = astronaut()

    assert not wears_glasses(me.pixels, me.face.mesh)


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_wears_glasses_of_frames_and_of_dark_lenses_is_true(is_dark: bool, factor: float) -> None:
    me = enlarged(spectacled(is_dark=is_dark), factor)

    assert wears_glasses(me.pixels, me.face.mesh)


def test_wears_glasses_sees_dark_lenses_without_a_bridge() -> None:
    me = spectacled(is_dark=True, has_bridge=False)

    assert wears_glasses(me.pixels, me.face.mesh)


def test_wears_glasses_is_not_misled_by_dim_light_or_one_shaded_eye() -> None:
    me = astronaut()
    dim = (me.pixels * 0.35).astype(np.uint8)
    middle = round(float(me.face.mesh[168, 0]))
    eyes = slice(*(round(float(me.face.mesh[point, 1])) for point in (9, 195)))
    patched = me.pixels.copy()
    patched[eyes, middle + 6 : middle + 50] //= 6

    assert not wears_glasses(dim, me.face.mesh)
    assert not wears_glasses(patched, me.face.mesh)


def test_wears_glasses_of_a_face_at_the_pictures_border_looks_at_what_is_there() -> None:
    me = spectacled()
    left, top = 205, 85
    offset = np.array([left, top, 0], np.float32)

    assert wears_glasses(me.pixels[top:190, left:270], me.face.mesh - offset)
