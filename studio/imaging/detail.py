"""Enlarging a picture that was drawn at a smaller size, with the photograph's fine detail."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels

_WINDOW_PX = 5
"""Of the small picture; strokes are a few pixels wide there."""
_NOISE = 4.0**2
"""Variance, of levels, below which a photograph shows nothing that a drawing would follow."""


def return_detail(drawn: Pixels, small: Pixels, large: Pixels) -> Pixels:
    """Enlarge ``drawn`` to the size of ``large``, with edges as sharp as there.

    What ``large`` has beyond ``small`` is added as far as the drawing follows the photograph,
    told by their local regression as a guided filter does (He, Sun, Tang 2013): edges that were
    kept come back sharp, texture that was drawn flat stays flat.

    Args:
        drawn: RGB ``uint8 (h, w, 3)``, made of ``small``.
        small: RGB ``uint8 (h, w, 3)``, ``large`` reduced.
        large: RGB ``uint8 (H, W, 3)``.

    Returns:
        RGB ``uint8 (H, W, 3)``.

    """
    size = large.shape[1::-1]
    luma, drawn_luma = _luma(small), _luma(drawn)
    mean, drawn_mean = _mean(luma), _mean(drawn_luma)
    gain = (_mean(luma * drawn_luma) - mean * drawn_mean) / (_mean(luma**2) - mean**2 + _NOISE)
    gain = cv2.resize(np.clip(gain, 0, 1), size, interpolation=cv2.INTER_LINEAR)
    detail = _luma(large) - cv2.resize(luma, size, interpolation=cv2.INTER_CUBIC)
    result = cv2.resize(drawn, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    result += (gain * detail)[..., np.newaxis]
    np.rint(result, out=result)
    return np.asarray(np.clip(result, 0, 255, out=result), dtype=np.uint8)


def _luma(pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)


def _mean(
    plane: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(
        cv2.blur(plane, (_WINDOW_PX, _WINDOW_PX), borderType=cv2.BORDER_REFLECT), np.float32
    )
