"""Pictures without colour."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels


def is_grey(pixels: Pixels) -> bool:
    """Whether RGB ``uint8 (H, W, 3)`` has no colour: three equal channels everywhere."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


def without_colour(pixels: Pixels) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with its luma (ITU-R BT.601) in all channels; grey stays as it is."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
