"""What shall be repainted: ready-made, given and painted masks, made one and finished."""

from __future__ import annotations

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.given_mask import mask_levels
from studio.imaging.mask_steps import Flags, finished, hardened, with_box
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.params import InpaintParams
from studio.tools.spec import DRAWING_ROLE, ToolInputs
from studio.words import msg


def build_mask(inputs: ToolInputs, params: InpaintParams) -> Pixels:
    """How far each pixel is repainted, ``uint8 (H, W)``, 255 = wholly.

    The union of the ready-made mask and the input "mask", stretched to the picture; over it the
    input "drawing", whose eraser takes away from both; then inverted, grown and feathered as
    ``params`` say.

    Raises:
        UserInputError: ``inpaint.nothing_masked``.

    """
    picture = inputs["image"]
    nothing = np.zeros(picture.pixels.shape[:2], dtype=np.uint8)
    mask = with_box(nothing, params.preset_box(picture.width, picture.height))
    if "mask" in inputs:
        mask = np.maximum(mask, _given(inputs["mask"], picture))
    if DRAWING_ROLE in inputs:
        mask = _paint(mask, inputs[DRAWING_ROLE])
    mask = finished(
        mask,
        invert=params.invert,
        grow_px=params.grow_px,
        feather_px=params.feather_px,
        is_near=is_near,
        blur=blurred,
    )
    if not mask.any():
        raise UserInputError(
            msg("Nothing is masked"),
            remedy=msg("Paint over what is to go, or give a mask."),
            code="inpaint.nothing_masked",
        )
    return mask


def is_near(is_set: Flags, reach_px: float) -> Flags:
    """Whether each pixel lies within ``reach_px`` of one that is set, ``bool (H, W)``."""
    if not is_set.any():
        return is_set  # OpenCV has no distance to nothing
    outside = np.where(is_set, np.uint8(0), np.uint8(1))
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= reach_px)


def blurred(mask: Pixels, sigma_px: float) -> Pixels:
    """``mask``, ``uint8 (H, W)``, blurred by a Gaussian; the picture's border is no edge."""
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma_px, borderType=border), dtype=np.uint8)


def _given(mask: Picture, picture: Picture) -> Pixels:
    levels, _ = mask_levels(mask)
    return hardened(resample(hardened(levels), picture.width, picture.height))


def _paint(mask: Pixels, drawing: Picture) -> Pixels:
    """White of the drawing adds, black erases, and what it leaves clear stays."""
    if drawing.alpha is None:
        return np.asarray(drawing.pixels[..., 0])
    touched = drawing.alpha.astype(np.float32) / 255
    painted = drawing.pixels[..., 0] * touched + mask * (1 - touched)
    return np.rint(painted).astype(np.uint8)
