"""Face crops as networks want them, and back."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.contracts import Triple
from studio.models.runtime import Array, Floats


def to_planes(crop: Pixels, mean: Triple, std: Triple) -> Floats:
    """``float32 (1, 3, H, W)``, ``(x / 255 - mean) / std``, from RGB ``uint8 (H, W, 3)``."""
    values = (crop.astype(np.float32) / 255 - _row(mean)) / _row(std)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[np.newaxis])


def to_crop(planes: Array, mean: Triple, std: Triple) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` from ``(1, 3, H, W)``, ``planes * std + mean`` clipped to 0 to 1."""
    values = planes[0].transpose(1, 2, 0) * _row(std) + _row(mean)
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255), np.uint8)


def _row(values: Triple) -> Floats:
    return np.array(values, np.float32)
