"""A face with the picture it was found in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from studio.faces.face import Face
from studio.faces.glasses import Glasses, find_glasses
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.tools.faceswap.colour import to_lab
from studio.tools.faceswap.cover import find_cover
from studio.tools.faceswap.mask import INNER
from studio.tools.faceswap.patch import Patch, cut_patch
from studio.tools.faceswap.polygons import polygon

_ABOVE_BRIDGE = (9, 151)
"""Between the brows and up the forehead, where no glasses reach."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """One face of a picture, RGB ``uint8 (H, W, 3)``."""

    pixels: Pixels
    face: Face

    @cached_property
    def glasses(self) -> Glasses | None:
        """The glasses that the face seems to wear; their frame cannot be told from a hat's brim."""
        found = find_glasses(self.pixels, self.face.mesh)
        return None if found is Glasses.CLEAR and self._wears_hat() else found

    @cached_property
    def cover(self) -> Floats:
        """What stands before the face, ``float32 (h, w)`` 0 to 1, in px of its patch."""
        patch = self._patch()
        return find_cover(to_lab(patch.pixels.astype(np.float32)), patch.mesh)

    @property
    def covered_share(self) -> float:
        """How much of the face from brows to chin something stands before, 0 to 1."""
        patch = self._patch()
        inner = polygon(patch.size, patch.mesh[list(INNER), :2])
        return float((self.cover * inner).sum() / (inner.sum() + 1e-6))

    def _patch(self) -> Patch:
        return cut_patch(self.pixels, self.face.mesh)

    def _wears_hat(self) -> bool:
        size = self.cover.shape[1::-1]
        above = self._patch().mesh[list(_ABOVE_BRIDGE), :2]
        columns, rows = np.clip(np.round(above), 0, np.subtract(size, 1)).astype(int).T
        return bool((self.cover[rows, columns] > 0.5).all())


def largest(faces: list[Face]) -> Face:
    """The face that covers most; of equals the leftmost."""
    return max(faces, key=lambda face: face.area_px2)
