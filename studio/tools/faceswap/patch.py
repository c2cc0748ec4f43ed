"""The crop of a picture round a face, reduced to the size it is swapped at, and put back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.faces.face import Points, eye_distance_px
from studio.faces.topology import OVAL
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

MOST_EYES_PX = 256.0
"""Larger faces are worked on reduced to this eye distance; their fine detail is added after."""
_MARGIN = 0.55
"""Around the outline, as a part of the eye distance."""
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Part of a picture around one face.

    Attributes:
        full: RGB ``uint8 (H, W, 3)``, a view of the picture.
        left: of the part, px of the picture.
        top: likewise.
        pixels: RGB ``uint8 (h, w, 3)``, ``full`` at working size.
        mesh: ``float32 (468, 3)`` in px of ``pixels``.

    """

    full: Pixels
    left: int
    top: int
    pixels: Pixels
    mesh: Points

    @property
    def size(self) -> tuple[int, int]:
        """Width and height at working size."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def full_size(self) -> tuple[int, int]:
        """Width and height in the picture."""
        return self.full.shape[1], self.full.shape[0]

    @property
    def is_reduced(self) -> bool:
        """Whether the working size is smaller than the picture's."""
        return self.size != self.full_size

    @property
    def eyes_px(self) -> float:
        """The eye distance at working size."""
        return eye_distance_px(self.mesh)

    def put_back(self, picture: Pixels, changed: Pixels) -> Pixels:
        """``picture`` with ``changed``, ``uint8 (H, W, 3)``, in the place of this patch."""
        result = picture.copy()
        height, width = changed.shape[:2]
        result[self.top : self.top + height, self.left : self.left + width] = changed
        return result


def cut_patch(pixels: Pixels, mesh: Points) -> Patch:
    """The surroundings of a face whose mesh is ``float32 (468, 3)`` in px of ``pixels``."""
    eyes_px = eye_distance_px(mesh)
    outline = mesh[list(OVAL), :2]
    low = np.maximum(np.floor(outline.min(axis=0) - _MARGIN * eyes_px), 0).astype(int)
    high = np.ceil(outline.max(axis=0) + _MARGIN * eyes_px).astype(int)
    (left, top), (right, bottom) = low, np.minimum(high, pixels.shape[1::-1])
    full = pixels[top:bottom, left:right]
    moved = mesh - np.array([left, top, 0], np.float32)
    small, placed = reduce(full, moved, MOST_EYES_PX)
    return Patch(full, int(left), int(top), small, placed)


def reduce(pixels: Pixels, mesh: Points, most_eyes_px: float) -> tuple[Pixels, Points]:
    """Picture and mesh shrunk so far that the eyes are ``most_eyes_px`` apart at most."""
    factor = most_eyes_px / eye_distance_px(mesh)
    if factor >= 1:
        return np.ascontiguousarray(pixels), mesh
    height, width = pixels.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    factors = np.array([size[0] / width, size[1] / height, factor], np.float32)
    half = np.array([0.5, 0.5, 0], np.float32)
    return small, (mesh + half) * factors - half


def apply_change(patch: Patch, change: Floats) -> Pixels:
    """The patch at full size with ``change``, ``float32 (h, w, 3)`` at working size, added."""
    if patch.is_reduced:
        enlarged = cv2.resize(change, patch.full_size, interpolation=cv2.INTER_LINEAR)
        change = np.asarray(enlarged, np.float32)
    return _rounded(np.rint(patch.full + change))


def apply_detail(
    patch: Patch, changed: Pixels, detail: Pixels, coarse: Pixels, mask: Floats, gain: float
) -> Pixels:
    """Add the source's fine detail, lost by swapping at a reduced size, to the full-size patch.

    It is one more band of the blend: where the mask takes the source, the finest band of the
    target makes room for the source's.

    Args:
        patch: of the target.
        changed: what ``apply_change`` gave, ``uint8 (H, W, 3)``.
        detail: the warped source at full size, ``uint8 (H, W, 3)``.
        coarse: the warped source at working size, ``uint8 (h, w, 3)``.
        mask: ``float32 (h, w)``, 1 = source.
        gain: of the source's lightness.

    """
    source_coarse, target_coarse = (_enlarged(small, patch) for small in (coarse, patch.pixels))
    weights = np.asarray(cv2.resize(mask, patch.full_size), np.float32)
    gain *= _detail_gain(patch.full, target_coarse, detail, source_coarse, weights)
    result = np.empty_like(changed)
    for top in range(0, changed.shape[0], _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        fine = np.subtract(detail[rows], source_coarse[rows], dtype=np.float32) * np.float32(gain)
        fine -= np.subtract(patch.full[rows], target_coarse[rows], dtype=np.float32)
        result[rows] = _rounded(np.rint(changed[rows] + fine * weights[rows][..., np.newaxis]))
    return result


def _detail_gain(
    target: Pixels, target_coarse: Pixels, source: Pixels, source_coarse: Pixels, weights: Floats
) -> float:
    """What makes the source's finest band as strong as the target's, never stronger than it is."""
    inside = weights > 0.9
    if not inside.any():
        return 1.0
    strengths = []
    for full, coarse in ((target, target_coarse), (source, source_coarse)):
        fine = np.subtract(full[..., 1][inside], coarse[..., 1][inside], dtype=np.float32)
        strengths.append(float(np.sqrt((fine * fine).mean())))
    wanted, found = strengths
    return min(1.0, wanted / (found + 1e-3))


def _enlarged(small: Pixels, patch: Patch) -> Pixels:
    return np.asarray(cv2.resize(small, patch.full_size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _rounded(values: Floats) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), np.uint8)
