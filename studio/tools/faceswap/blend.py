"""Blending a face in without a visible seam, by Laplacian pyramids (multi-band blending)."""

from __future__ import annotations

from math import log2

import cv2
import numpy as np

from studio.models.runtime import Floats


def blend_bands(source: Floats, target: Floats, mask: Floats, levels: int) -> Floats:
    """Lay ``source`` over ``target``; each band of detail is mixed over a width of its own.

    Burt and Adelson, "A multiresolution spline with application to image mosaics", 1983.

    Args:
        source: RGB ``float32 (h, w, 3)``, 0 to 255.
        target: the same.
        mask: ``float32 (h, w)``, 1 = source.
        levels: how often the pictures are halved.

    """
    # The pyramid of a difference is the difference of pyramids: half the work.
    difference = source - target
    weights = [mask]
    bands = []
    for _ in range(levels):
        smaller = np.asarray(cv2.pyrDown(difference), np.float32)
        bands.append(difference - _up(smaller, difference))
        difference = smaller
        weights.append(np.asarray(cv2.pyrDown(weights[-1]), np.float32))
    blended = difference * weights[-1][..., np.newaxis]
    for band, weight in zip(reversed(bands), reversed(weights[:-1]), strict=True):
        blended = _up(blended, band) + band * weight[..., np.newaxis]
    return target + blended


def levels_for(eyes_px: float) -> int:
    """How many pyramid levels ``blend_bands`` uses, 2 to 6, for this eye distance in pixels.

    So many that the widest seam stays within the face.
    """
    return int(np.clip(log2(max(8.0, eyes_px)) - 2, 2, 6))


def _up(small: Floats, like: Floats) -> Floats:
    return np.asarray(cv2.pyrUp(small, dstsize=like.shape[1::-1]), np.float32)
