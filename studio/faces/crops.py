"""Square, turned pieces of a picture for networks of fixed input size, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.face import Points
from studio.imaging.picture import Pixels

_MOST_SAMPLES = 6
"""Samples along each side of a crop's pixel at most, so that huge faces cost no more."""


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture.

    Attributes:
        centre: x, y in px.
        side_px: its length.
        angle: radians by which its upper side is turned, clockwise positive.

    """

    centre: tuple[float, float]
    side_px: float
    angle: float

    def to_picture(self, size_px: int) -> npt.NDArray[np.float64]:
        """The affine ``(2, 3)`` from a crop of ``size_px`` to the picture."""
        turn = np.array([[cos(self.angle), -sin(self.angle)], [sin(self.angle), cos(self.angle)]])
        linear = turn * (self.side_px / size_px)
        middle = np.full(2, size_px / 2)
        return np.column_stack([linear, np.array(self.centre) - linear @ middle])

    def crop(self, pixels: Pixels, size_px: int) -> Pixels:
        """``uint8 (size_px, size_px, 3)``; the picture's border is continued outwards.

        What is shrunk is averaged, not skipped.
        """
        samples = int(np.clip(round(self.side_px / size_px), 1, _MOST_SAMPLES))
        affine = self.to_picture(size_px)
        # A pixel of the crop is the mean of samples x samples, centred on it.
        affine[:, 2] -= affine[:, :2] @ np.full(2, (samples - 1) / 2 / samples)
        affine[:, :2] /= samples
        fine = cv2.warpAffine(
            pixels,
            affine,
            (size_px * samples, size_px * samples),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if samples == 1:
            return np.asarray(fine, np.uint8)
        crop = cv2.resize(fine, (size_px, size_px), interpolation=cv2.INTER_AREA)
        return np.asarray(crop, np.uint8)

    def points_to_picture(self, points: Points, size_px: int) -> Points:
        """Points of a crop in px of the picture; a third coordinate is only scaled."""
        affine = self.to_picture(size_px)
        flat = points[:, :2] @ affine[:, :2].T + affine[:, 2]
        depth = points[:, 2:] * (self.side_px / size_px)
        return np.column_stack([flat, depth]).astype(np.float32)
