"""How far apart two pictures are."""

from __future__ import annotations

import math

import numpy as np

from studio.imaging.picture import Pixels


def max_difference(first: Pixels, second: Pixels) -> int:
    """Largest absolute difference of any sample, 0 to 255.

    Raises:
        ValueError: the shapes differ.

    """
    _require_same_shape(first, second)
    if first.size == 0:
        return 0
    return int((np.maximum(first, second) - np.minimum(first, second)).max())


def psnr_db(first: Pixels, second: Pixels) -> float:
    """Peak signal-to-noise ratio over all samples in dB; infinite when equal.

    Raises:
        ValueError: the shapes differ.

    """
    _require_same_shape(first, second)
    difference = first.astype(np.float64) - second
    mean_square = float(np.mean(difference * difference)) if first.size else 0.0
    return math.inf if mean_square == 0 else 10 * math.log10(255**2 / mean_square)


def _require_same_shape(first: Pixels, second: Pixels) -> None:
    if first.shape != second.shape:
        raise ValueError(f"shapes differ: {first.shape} and {second.shape}")
