"""A face with the picture it was found in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from studio.faces.face import Face
from studio.faces.glasses import Glasses, find_glasses
from studio.imaging.picture import Pixels


@dataclass(frozen=True, eq=False)
class Portrait:
    """One face of a picture, RGB ``uint8 (H, W, 3)``."""

    pixels: Pixels
    face: Face

    @cached_property
    def glasses(self) -> Glasses | None:
        """The glasses that the face seems to wear."""
        return find_glasses(self.pixels, self.face.mesh)


def largest(faces: list[Face]) -> Face:
    """The face with the widest eye distance; of equals the leftmost."""
    return max(faces, key=lambda face: face.eye_distance_px)
