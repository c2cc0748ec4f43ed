"""Inpainting of thin holes, such as scratches: diffusion and waves, then similar patches."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.tools.inpaint.diffusion import biharmonic
from studio.tools.inpaint.frequency import extrapolate
from studio.tools.inpaint.similar import follow_similar

_SURFACE_WEIGHT = np.float32(1 / 3)
"""Of the smooth surface in the rough filling; the rest are frequencies. Their errors differ."""


def mend(pixels: Pixels, hole: Pixels) -> Pixels:
    """Inpaint thin holes by a weighted mean of two rough fillings, refined by similar patches.

    The rough ones are ``extrapolate`` and ``biharmonic``, whose errors differ; ``follow_similar``
    refines.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``, open somewhere.
        hole: ``uint8 (H, W)``, 255 = to be filled.

    Returns:
        RGB ``uint8 (H, W, 3)``, unchanged outside of ``hole``.

    """
    waves = extrapolate(pixels, hole).astype(np.float32)
    surface = biharmonic(pixels, hole).astype(np.float32)
    rough = waves + _SURFACE_WEIGHT * (surface - waves)
    mended = np.rint(follow_similar(rough, hole)).astype(np.uint8)
    return np.where(hole[..., np.newaxis] > 0, mended, pixels)
