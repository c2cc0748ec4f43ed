"""Finishing an alpha: soften, move, clean, measure."""

from __future__ import annotations

import math

import cv2
import numpy as np

from studio.imaging.picture import Pixels

SOLID_LEVEL = 128
"""From this alpha on a pixel belongs to the body of an object, below it to its edge."""
EMPTY_LEVEL = 10
"""Up to this alpha a pixel counts as empty when the subject is measured."""

_SAME_OBJECT_GAP_PX = 3


def feather(alpha: Pixels, sigma_px: float) -> Pixels:
    """Soften the edge with a Gaussian of ``sigma_px``; 0 changes nothing.

    A subject that is cut by the picture's border stays opaque up to that border.

    Args:
        alpha: ``uint8 (H, W)``; not changed.
        sigma_px: standard deviation in pixels, 0 or more.

    """
    if sigma_px == 0:
        return alpha
    return np.asarray(
        cv2.GaussianBlur(alpha, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8
    )


def shift_edge(alpha: Pixels, shift_px: float) -> Pixels:
    """Move the edge outwards (positive) or inwards (negative) by a fraction of pixels too.

    Every level of the alpha moves by the same distance along the edge's normal, so a soft
    edge stays as soft as it was. The picture's border is no edge and does not move.

    Args:
        alpha: ``uint8 (H, W)``; not changed.
        shift_px: distance in pixels.

    """
    if shift_px < 0:
        return 255 - _grow(255 - alpha, -shift_px)
    return _grow(alpha, shift_px)


def _grow(alpha: Pixels, distance_px: float) -> Pixels:
    """Mean of the dilations by discs with radii from ``distance_px`` to one pixel more.

    A disc on the pixel grid reaches up to a pixel less far than its radius, by an amount
    that depends on direction; the mean over one pixel of radii is right for every
    direction and for fractions, to a few tenths of a pixel.
    """
    if distance_px == 0:
        return alpha
    whole_px = math.floor(distance_px)
    fraction = distance_px - whole_px
    grown = np.zeros(alpha.shape, dtype=np.float32)
    for weight, low_px, high_px in (
        (1 - fraction, distance_px, whole_px + 1),
        (fraction, whole_px + 1, distance_px + 1),
    ):
        for part in (0.25, 0.75):
            if weight:
                radius_px = low_px + part * (high_px - low_px)
                grown += np.float32(weight / 2) * _dilate(alpha, radius_px)
    return np.rint(grown).astype(np.uint8)


def _dilate(alpha: Pixels, radius_px: float) -> Pixels:
    reach_px = math.floor(radius_px)
    if reach_px == 0:
        return alpha
    y, x = np.mgrid[-reach_px : reach_px + 1, -reach_px : reach_px + 1]
    disc = (x * x + y * y <= radius_px * radius_px).astype(np.uint8)
    return np.asarray(cv2.dilate(alpha, disc), dtype=np.uint8)


def keep_largest(alpha: Pixels) -> Pixels:
    """Keep the largest object with its soft edge; everything else becomes transparent.

    Each soft pixel goes with the object nearest to it, so hair stays and a second object
    leaves no ghost of its outline. An alpha without any solid pixel is returned unchanged.

    Args:
        alpha: ``uint8 (H, W)``; not changed.

    """
    solid = (alpha >= SOLID_LEVEL).astype(np.uint8)
    bridge = np.ones((_SAME_OBJECT_GAP_PX, _SAME_OBJECT_GAP_PX), np.uint8)
    count, labels = cv2.connectedComponents(cv2.dilate(solid, bridge), connectivity=8)
    if count <= 2:
        return alpha
    areas = np.bincount(labels[solid != 0], minlength=count)
    largest = labels == int(areas.argmax())
    others = ((labels != 0) & ~largest).astype(np.uint8)
    to_largest = cv2.distanceTransform((~largest).astype(np.uint8), cv2.DIST_L2, 5)
    to_others = cv2.distanceTransform(1 - others, cv2.DIST_L2, 5)
    return np.where(to_largest <= to_others, alpha, np.uint8(0))


def subject_box(alpha: Pixels, margin_px: int) -> tuple[int, int, int, int]:
    """The box round the subject as ``(x0, y0, x1, y1)``, exclusive of the last two.

    ``margin_px`` is added on all sides and cut at the picture's border. An empty alpha
    gives the whole picture.
    """
    height, width = alpha.shape
    x, y, box_width, box_height = cv2.boundingRect((alpha > EMPTY_LEVEL).astype(np.uint8))
    if box_width == 0:
        return 0, 0, width, height
    return (
        max(x - margin_px, 0),
        max(y - margin_px, 0),
        min(x + box_width + margin_px, width),
        min(y + box_height + margin_px, height),
    )
