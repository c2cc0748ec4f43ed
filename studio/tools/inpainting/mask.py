"""What shall be repainted: ready-made, given and painted masks, made one and finished."""

from __future__ import annotations

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.params import HOLE_LEVEL, InpaintParams
from studio.tools.spec import DRAWING_ROLE, ToolInputs


def build_mask(inputs: ToolInputs, params: InpaintParams) -> Pixels:
    """How far each pixel is repainted, ``uint8 (H, W)``, 255 = wholly.

    The union of the ready-made mask and the input "mask", stretched to the picture; over it the
    input "drawing", whose eraser takes away from both; then inverted, grown and feathered as
    ``params`` say.

    Raises:
        UserInputError: ``inpaint.nothing_masked``.

    """
    picture = inputs["image"]
    mask = np.zeros(picture.pixels.shape[:2], dtype=np.uint8)
    left, top, right, bottom = params.preset_box(picture.width, picture.height)
    mask[top:bottom, left:right] = 255
    if "mask" in inputs:
        mask = np.maximum(mask, _given(inputs["mask"], picture))
    if DRAWING_ROLE in inputs:
        mask = _paint(mask, inputs[DRAWING_ROLE])
    if params.invert:
        mask = 255 - mask
    mask = soften(grow(mask, params.grow_px), params.feather_px)
    if not mask.any():
        raise UserInputError(
            "Nothing is masked",
            remedy="Paint over what shall go, or give a mask.",
            code="inpaint.nothing_masked",
        )
    return mask


def grow(mask: Pixels, distance_px: int) -> Pixels:
    """The mask widened by a disc of this radius, or narrowed by a negative one.

    What is painted at least by half counts as its edge.
    """
    if distance_px < 0:
        return np.asarray(255 - grow(255 - mask, -distance_px), dtype=np.uint8)
    if distance_px == 0:
        return mask
    outside = np.where(mask >= HOLE_LEVEL, np.uint8(0), np.uint8(1))
    if outside.all():
        return mask
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(distance <= distance_px, np.uint8(255), mask)


def soften(mask: Pixels, reach_px: int) -> Pixels:
    """The seam faded outwards over ``reach_px``; what is masked wholly stays so."""
    if reach_px == 0:
        return mask
    # Three standard deviations hold all of a Gaussian that eight bits can show.
    sigma_px = reach_px / 3
    blurred = cv2.GaussianBlur(mask, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.maximum(mask, blurred), dtype=np.uint8)


def _given(mask: Picture, picture: Picture) -> Pixels:
    if mask.alpha is not None and mask.alpha.min() < 255:
        levels = mask.alpha
    else:
        levels = np.asarray(cv2.cvtColor(mask.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return _hardened(resample(_hardened(levels), picture.width, picture.height))


def _hardened(levels: Pixels) -> Pixels:
    return np.where(levels >= HOLE_LEVEL, np.uint8(255), np.uint8(0))


def _paint(mask: Pixels, drawing: Picture) -> Pixels:
    """White of the drawing adds, black erases, and what it leaves clear stays."""
    if drawing.alpha is None:
        return np.asarray(drawing.pixels[..., 0])
    touched = drawing.alpha.astype(np.float32) / 255
    painted = drawing.pixels[..., 0] * touched + mask * (1 - touched)
    return np.rint(painted).astype(np.uint8)
