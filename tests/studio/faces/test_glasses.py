"""Glasses drawn on the astronaut, who wears none."""

from __future__ import annotations

import numpy as np
import pytest

from studio.faces.glasses import Glasses, find_glasses
from tests.studio.tools.faceswap.faces import astronaut, enlarged, spectacled


def test_find_glasses_of_a_bare_face_finds_none() -> None:
    me = astronaut()

    assert find_glasses(me.pixels, me.face.mesh) is None


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_find_glasses_tells_frames_from_dark_lenses(is_dark: bool, factor: float) -> None:
    me = enlarged(spectacled(is_dark=is_dark), factor)

    worn = find_glasses(me.pixels, me.face.mesh)

    assert worn is (Glasses.DARK if is_dark else Glasses.CLEAR)


def test_find_glasses_sees_dark_lenses_without_a_bridge() -> None:
    me = spectacled(is_dark=True, has_bridge=False)

    assert find_glasses(me.pixels, me.face.mesh) is Glasses.DARK


def test_find_glasses_is_not_misled_by_dim_light_or_one_shaded_eye() -> None:
    me = astronaut()
    dim = (me.pixels * 0.35).astype(np.uint8)
    middle = round(float(me.face.mesh[168, 0]))
    eyes = slice(*(round(float(me.face.mesh[point, 1])) for point in (9, 195)))
    patched = me.pixels.copy()
    patched[eyes, middle + 6 : middle + 50] //= 6

    assert find_glasses(dim, me.face.mesh) is None
    assert find_glasses(patched, me.face.mesh) is None


def test_find_glasses_of_a_face_at_the_pictures_border_looks_at_what_is_there() -> None:
    me = spectacled()
    left, top = 205, 85
    part = me.pixels[top:190, left:270]
    mesh = me.face.mesh - np.array([left, top, 0], np.float32)

    assert find_glasses(part, mesh) is Glasses.CLEAR
