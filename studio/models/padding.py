"""Sides that a network takes."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from studio.imaging.picture import Pixels

_WHITE = (255.0, 255.0, 255.0)


def pad(
    levels: Pixels,
    multiple: int,
    *,
    least_px: int = 1,
    border: Literal["reflect", "white"] = "reflect",
) -> Pixels:
    """``levels`` continued at the right and at the bottom.

    Args:
        levels: ``uint8 (H, W, 3)`` or ``(H, W)``; given back itself where it fits already.
        multiple: both sides become one of this.
        least_px: and no shorter than this.
        border: mirrored ones leave no trace in the picture; white is what some networks were
            trained with.

    """
    bottom, right = (_missing(side_px, multiple, least_px) for side_px in levels.shape[:2])
    if not (bottom or right):
        return levels
    kind = cv2.BORDER_REFLECT if border == "reflect" else cv2.BORDER_CONSTANT
    return np.asarray(cv2.copyMakeBorder(levels, 0, bottom, 0, right, kind, value=_WHITE), np.uint8)


def _missing(side_px: int, multiple: int, least_px: int) -> int:
    wanted_px = max(side_px, least_px)
    return wanted_px + -wanted_px % multiple - side_px
