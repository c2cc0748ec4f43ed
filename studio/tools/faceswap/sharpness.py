"""Matching a swapped face's sharpness to that of the picture it is put into."""

from __future__ import annotations

import cv2
import numpy as np

from studio.models.runtime import Floats

_FINE_SIGMA_PX = 1.2
"""What this Gaussian takes away is counted as sharpness."""
_MOST_BLUR_PX = 3.0
_BLUR_STEPS = 7
_TOO_SHARP, _TOO_SOFT = 1.15, 0.9
"""Ratios between which a difference does not show."""
_MOST_BOOST = 1.2
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def match_sharpness(source: Floats, target: Floats, judged: Floats) -> Floats:
    """Blur or sharpen ``source`` until it is as sharp as ``target``.

    Args:
        source: RGB ``float32 (h, w, 3)`` 0 to 255.
        target: the same.
        judged: ``float32 (h, w)``, 0 to 1, where both show bare skin.

    Returns:
        RGB ``float32 (h, w, 3)``.

    """
    grey = source @ _LUMA
    wanted, found = sharpness(target @ _LUMA, judged), sharpness(grey, judged)
    if found > _TOO_SHARP * wanted:
        return _blur(source, _matching_blur_px(grey, wanted, judged))
    if found < _TOO_SOFT * wanted:
        boost = np.float32(np.clip(wanted / (found + 1e-3) - 1, 0, _MOST_BOOST))
        return np.clip(source + (source - _blur(source, _FINE_SIGMA_PX)) * boost, 0, 255)
    return source


def sharpness(grey: Floats, judged: Floats) -> float:
    """Root mean square of the finest detail, in levels of brightness.

    Args:
        grey: ``float32 (h, w)``, 0 to 255.
        judged: ``float32 (h, w)``, 0 to 1, how much each pixel counts.

    """
    detail = grey - _blur(grey, _FINE_SIGMA_PX)
    return float(np.sqrt((detail * detail * judged).sum() / (judged.sum() + 1e-6)))


def _matching_blur_px(grey: Floats, wanted: float, judged: Floats) -> float:
    low, high = 0.0, _MOST_BLUR_PX
    for _ in range(_BLUR_STEPS):
        middle = (low + high) / 2
        is_sharp = sharpness(_blur(grey, max(middle, 0.05)), judged) > wanted
        low, high = (middle, high) if is_sharp else (low, middle)
    # A little short of it: fine detail that is missing shows more than some too much.
    return 0.8 * high


def _blur(values: Floats, sigma_px: float) -> Floats:
    if sigma_px <= 0.2:
        return values
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_px), np.float32)
