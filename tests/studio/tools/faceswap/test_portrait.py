from __future__ import annotations

import numpy as np
import pytest

from studio.faces.face import Points
from studio.faces.glasses import Glasses
from studio.imaging.picture import Pixels
from studio.tools.faceswap import portrait as module
from tests.studio.tools.faceswap.faces import astronaut, make_face, spectacled


def test_glasses_of_a_portrait_are_sought_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seek, searches = module.find_glasses, []

    def count(pixels: Pixels, mesh: Points) -> Glasses | None:
        searches.append(mesh)
        return seek(pixels, mesh)

    monkeypatch.setattr(module, "find_glasses", count)
    me = spectacled()

    assert [me.glasses, me.glasses] == [Glasses.CLEAR, Glasses.CLEAR]
    assert len(searches) == 1


def test_largest_face_is_the_one_that_covers_most_though_it_is_turned() -> None:
    mesh = astronaut().face.mesh
    ahead, turned = make_face(mesh), make_face(mesh * np.float32([0.6, 1.0, 1.0]) * np.float32(1.5))
    assert turned.eye_distance_px < ahead.eye_distance_px
    assert module.largest([ahead, turned]) is turned
