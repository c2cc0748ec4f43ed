"""Faces cut out for networks, and put back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.align import align
from studio.faces.face import Face
from studio.imaging.picture import Pixels
from studio.models.contracts import Alignment
from studio.models.runtime import Floats


@dataclass(frozen=True, slots=True, eq=False)
class AlignedCrop:
    """A face where a network expects it.

    Attributes:
        pixels: RGB ``uint8 (S, S, 3)``.
        affine: ``float64 (2, 3)`` from px of the picture to px of the crop.

    """

    pixels: Pixels
    affine: npt.NDArray[np.float64]


def cut_aligned(pixels: Pixels, face: Face, alignment: Alignment, size_px: int) -> AlignedCrop:
    """``face`` warped to a template, ``size_px`` a side; the picture's border is continued."""
    affine = align(face, alignment, size_px)
    left, top, right, bottom = _bounds(affine, size_px, pixels.shape[1], pixels.shape[0])
    part = pixels[top:bottom, left:right]
    shrink = 1 / np.sqrt(abs(np.linalg.det(affine[:, :2])))
    if shrink > 1:
        # Warping alone would skip pixels of a face larger than the crop.
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.4 * shrink), np.uint8)
    from_part = affine.copy()
    from_part[:, 2] += affine[:, :2] @ (left, top)
    crop = cv2.warpAffine(
        part, from_part, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return AlignedCrop(np.asarray(crop, np.uint8), affine)


def box_mask(size_px: int, blur: float, padding: tuple[int, int, int, int]) -> Floats:
    """``float32 (S, S)``, 1 in the middle and falling to 0 at the border (FaceFusion).

    Args:
        size_px: S.
        blur: softness as a part of half the side, 0 to 1.
        padding: per cent of the side left out at the top, right, bottom and left.

    """
    amount_px = int(size_px * 0.5 * blur)
    least_px = max(amount_px // 2, 1)
    top, right, bottom, left = (max(least_px, int(size_px * side / 100)) for side in padding)
    mask = np.zeros((size_px, size_px), np.float32)
    mask[top : size_px - bottom, left : size_px - right] = 1
    if amount_px == 0:
        return mask
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), amount_px * 0.25), np.float32)


def paste(pixels: Pixels, crop: AlignedCrop, changed: Pixels, mask: Floats) -> Pixels:
    """``pixels`` with ``changed``, a new version of the crop, mixed in where ``mask`` says.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``; not changed.
        crop: where it was cut from.
        changed: RGB ``uint8 (S, S, 3)``.
        mask: ``float32 (S, S)``, 1 = changed.

    Returns:
        RGB ``uint8 (H, W, 3)``, byte-identical where the mask is 0.

    """
    side_px = changed.shape[0]
    left, top, right, bottom = _bounds(crop.affine, side_px, pixels.shape[1], pixels.shape[0])
    to_part = cv2.invertAffineTransform(crop.affine)
    to_part[:, 2] -= (left, top)
    size = (right - left, bottom - top)
    face = cv2.warpAffine(
        changed, to_part, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    weights = cv2.warpAffine(mask, to_part, size, flags=cv2.INTER_LINEAR)[..., np.newaxis]
    part = pixels[top:bottom, left:right]
    mixed = part + (face.astype(np.float32) - part) * np.clip(weights, 0, 1)
    result = pixels.copy()
    result[top:bottom, left:right] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return result


def _bounds(
    affine: npt.NDArray[np.float64], side_px: int, width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the picture's part that a crop shows, a pixel at least."""
    corners = np.array([[0, 0, 1], [side_px, 0, 1], [side_px, side_px, 1], [0, side_px, 1]])
    placed = corners @ cv2.invertAffineTransform(affine).T
    low = np.floor(placed.min(axis=0)).astype(int) - 1
    high = np.ceil(placed.max(axis=0)).astype(int) + 2
    left, top = np.clip(low, 0, (width - 1, height - 1))
    right, bottom = np.clip(high, (left + 1, top + 1), (width, height))
    return int(left), int(top), int(right), int(bottom)
