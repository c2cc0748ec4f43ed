from __future__ import annotations

import pytest

from studio.faces.face import Points
from studio.faces.glasses import Glasses
from studio.imaging.picture import Pixels
from studio.tools.faceswap import portrait as module
from tests.studio.tools.faceswap.faces import spectacled


def test_glasses_of_a_portrait_are_sought_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seek, searches = module.find_glasses, []

    def count(pixels: Pixels, mesh: Points) -> Glasses | None:
        searches.append(mesh)
        return seek(pixels, mesh)

    monkeypatch.setattr(module, "find_glasses", count)
    me = spectacled()

    assert [me.glasses, me.glasses] == [Glasses.CLEAR, Glasses.CLEAR]
    assert len(searches) == 1
