"""Inpainting by diffusion: colours are carried in from the rim of a hole, without texture.

For scratches and specks. Bertalmio et al., "Navier-Stokes, fluid dynamics, and image and video
inpainting", 2001; Telea, "An image inpainting technique based on the fast marching method", 2004.
"""

from __future__ import annotations

import cv2
import numpy as np
from skimage.restoration import inpaint_biharmonic

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

_RADIUS_PX = 3.0
_FINER = 257
"""Steps of sixteen bits in one of eight."""


def telea(pixels: Pixels, hole: Pixels) -> Pixels:
    """Inpaint from the rim inwards, each pixel the weighted mean of known ones within 3 px.

    Returns RGB ``uint8 (H, W, 3)``; ``hole`` is ``uint8 (H, W)``, above 0 = to be filled. Telea,
    2004.

    In sixteen bits: rounded to eight, each pixel leans on those before it, and their errors add up
    to several levels even where the whole rim has one colour.
    """
    channels = [
        cv2.inpaint(
            np.multiply(pixels[..., channel], _FINER, dtype=np.uint16),
            hole,
            _RADIUS_PX,
            cv2.INPAINT_TELEA,
        )
        for channel in range(pixels.shape[2])
    ]
    return np.rint(np.dstack(channels) / _FINER).astype(np.uint8)


def navier_stokes(pixels: Pixels, hole: Pixels) -> Pixels:
    """Inpaint by continuing lines of equal brightness (isophotes) into the hole.

    Returns RGB ``uint8 (H, W, 3)``; ``hole`` is ``uint8 (H, W)``, above 0 = to be filled.
    Bertalmio et al., 2001.
    """
    return np.asarray(cv2.inpaint(pixels, hole, _RADIUS_PX, cv2.INPAINT_NS), dtype=np.uint8)


def biharmonic(pixels: Pixels, hole: Pixels) -> Pixels:
    """Inpaint by the surface of least bending through the rim, the biharmonic interpolation.

    Returns RGB ``uint8 (H, W, 3)``; ``hole`` is ``uint8 (H, W)``, above 0 = to be filled. Damelin
    and Hoang, "On surface completion and image inpainting by biharmonic functions", 2018, as
    scikit-image has it.
    """
    filled: Floats = inpaint_biharmonic(pixels, hole > 0, channel_axis=2)
    return np.rint(np.clip(filled, 0, 1) * 255).astype(np.uint8)
