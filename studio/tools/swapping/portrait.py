"""A face with the picture it was found in."""

from __future__ import annotations

from dataclasses import dataclass

from studio.errors import Region
from studio.faces.face import Face
from studio.imaging.picture import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face of a picture, RGB ``uint8 (H, W, 3)``."""

    pixels: Pixels
    face: Face


def region_of(
    face: Face, pixels: Pixels, number: int, text: str = "", *, is_fault: bool = False
) -> Region:
    """Where a face is, for pages to draw; ``number`` counts from 1."""
    height, width = pixels.shape[:2]
    left, top = face.mesh[:, :2].min(axis=0)
    right, bottom = face.mesh[:, :2].max(axis=0)
    return Region(
        left=float(left) / width,
        top=float(top) / height,
        width=float(right - left) / width,
        height=float(bottom - top) / height,
        label=str(number),
        text=text,
        is_fault=is_fault,
    )


def largest(faces: list[Face]) -> Face:
    """The face with the widest eye distance; of equals the leftmost."""
    return max(faces, key=lambda face: face.eye_distance_px)
