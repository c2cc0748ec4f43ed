"""A face with the picture it was found in."""

from __future__ import annotations

from dataclasses import dataclass

from studio.faces.face import Face
from studio.imaging.picture import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face of a picture, RGB ``uint8 (H, W, 3)``."""

    pixels: Pixels
    face: Face


def largest(faces: list[Face]) -> Face:
    """The face with the widest eye distance; of equals the leftmost."""
    return max(faces, key=lambda face: face.eye_distance_px)
