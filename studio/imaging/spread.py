"""Extrapolating colours into pixels where they are unknown, by a pull-push pyramid."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float32]

_TRUSTED_WEIGHT = 0.05
"""Mean weight nearby from which no wider neighbourhood is consulted."""
_TINY = 1e-9


def spread(colour: _Floats, weight: _Floats) -> _Floats:
    """Extrapolate ``colour`` smoothly from pixels of a high ``weight`` into those of a low one.

    A pyramid of normalised blurs (pull-push, Gortler et al. 1996): known colours come
    back blurred by about a pixel, unknown ones are those of the nearest known.

    Args:
        colour: ``float32 (h, w, 3)``, 0 to 255.
        weight: ``float32 (h, w)``, 0 to 1, how much each pixel counts.

    Returns:
        ``float32 (h, w, 3)``, 0 to 255, known everywhere.

    """
    return _pull_push(np.dstack((colour * weight[..., np.newaxis], weight)))


def _pull_push(weighted: _Floats) -> _Floats:
    """Mean colour nearby; where little weight is near, that of a neighbourhood twice as wide.

    ``weighted`` is ``(h, w, 4)``: colour times weight, and weight.
    """
    height, width = weighted.shape[:2]
    near = np.asarray(
        cv2.GaussianBlur(weighted, (5, 5), 1.0, borderType=cv2.BORDER_REPLICATE), dtype=np.float32
    )
    weight = near[..., 3:]
    colour: _Floats = np.divide(near[..., :3], np.maximum(weight, np.float32(_TINY)))
    if max(height, width) <= 2:
        return colour
    half = ((width + 1) // 2, (height + 1) // 2)
    wider = _pull_push(_resized(weighted, half, cv2.INTER_AREA))
    wider = _resized(wider, (width, height), cv2.INTER_LINEAR)
    colour -= wider
    colour *= np.minimum(weight / np.float32(_TRUSTED_WEIGHT), np.float32(1))
    colour += wider
    return colour


def _resized(values: _Floats, size: tuple[int, int], how: int) -> _Floats:
    return np.asarray(cv2.resize(values, size, interpolation=how), dtype=np.float32)
