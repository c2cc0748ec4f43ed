"""Soft edges of an alpha, which networks that sharpen take for outlines."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels

_NEAR_PX, _FAR_PX = 1, 3
_SOFT_SHARE, _CRISP_SHARE = 0.5, 0.8
"""What the nearest pixels span of what those around span: an edge of 4 px, one of 2 px."""


def take_soft_edges(sharp: Pixels, smooth: Pixels, alpha: Pixels) -> Pixels:
    """``sharp`` where the edges of ``alpha`` are, and ``smooth`` where it changes slowly.

    Args:
        sharp: ``alpha`` enlarged by a network, ``uint8 (H, W)``.
        smooth: enlarged by interpolation, of the same size.
        alpha: before, ``uint8 (h, w)``.

    Returns:
        ``uint8 (H, W)``.

    """
    near, far = (_span(alpha, reach_px) for reach_px in (_NEAR_PX, _FAR_PX))
    share = cv2.dilate((near + 1) / (far + 1), np.ones((3, 3), np.uint8))
    crisp = np.clip((share - _SOFT_SHARE) / (_CRISP_SHARE - _SOFT_SHARE), 0, 1)
    weight = cv2.resize(crisp, sharp.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    mixed = smooth + (sharp.astype(np.float32) - smooth) * weight
    return np.asarray(np.rint(mixed), dtype=np.uint8)


def _span(alpha: Pixels, reach_px: int) -> npt.NDArray[np.float32]:
    """Highest less lowest level within ``reach_px``, ``float32 (h, w)``."""
    window = np.ones((2 * reach_px + 1,) * 2, np.uint8)
    highest, lowest = cv2.dilate(alpha, window), cv2.erode(alpha, window)
    return np.asarray(np.subtract(highest, lowest, dtype=np.float32))
