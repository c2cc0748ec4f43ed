"""The image pyramid of a hole's crop, and at each size which patches are filled and copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

PATCH_PX = 7
REACH_PX = PATCH_PX // 2
_ROUGHNESS_PX = 9
"""Side of the square over which steps of brightness are averaged."""
_ROUGHNESS_WEIGHT = 8.0
"""What a layer of roughness is multiplied by, so that it counts beside colours in comparisons."""
_LEAST_SHARE = 1 / 256
"""Of open pixels in that square: with fewer, far within the hole, roughness fades to none."""

Indices = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One size of the image pyramid.

    An index names a pixel, and the patch of ``PATCH_PX`` a side round it: row times ``width`` plus
    column, in the picture with a frame of ``REACH_PX``, so that every patch is whole.

    Attributes:
        layers: RGB, 0 to 255, and two of texture (``_roughness``), ``float32 (H, W, 5)``.
        hole: ``uint8 (H, W)``, above 0 = to be filled.
        spared: ``uint8 (H, W)``, above 0 = outside of the hole, and not copied from.
        width: of the framed picture, in pixels.
        inside: indices of the hole's pixels.
        targets: indices of the patches that touch the hole.
        sources: indices of the patches that may be copied: whole ones, outside of the hole and of
            what is spared.
        is_source: by index, whether it is one of ``sources``.
        slots: by index, its place in ``targets``, or -1.

    """

    layers: Floats
    hole: Pixels
    spared: Pixels
    width: int
    inside: Indices
    targets: Indices
    sources: Indices
    is_source: _Flags
    slots: npt.NDArray[np.int32]

    @classmethod
    def of(cls, layers: Floats, hole: Pixels, spared: Pixels) -> Level:
        """The level of these layers and masks, with its targets and sources found."""
        touching: npt.NDArray[Any] = cv2.dilate(hole, np.ones((PATCH_PX, PATCH_PX), np.uint8))
        is_known = open_patches(hole | spared).astype(np.uint8)
        is_source = framed(is_known, cv2.BORDER_CONSTANT) > 0
        targets = np.flatnonzero(framed(touching, cv2.BORDER_CONSTANT))
        slots = np.full(is_source.size, -1, np.int32)
        slots[targets] = np.arange(len(targets))
        return cls(
            layers,
            hole,
            spared,
            width=is_source.shape[1],
            inside=np.flatnonzero(framed(hole, cv2.BORDER_CONSTANT)),
            targets=targets,
            sources=np.flatnonzero(is_source),
            is_source=is_source.ravel(),
            slots=slots,
        )

    def around(self, reach_px: int) -> Indices:
        """What to add to an index for each pixel at most ``reach_px`` away, row by row."""
        steps = np.arange(-reach_px, reach_px + 1)
        return np.asarray((steps[:, np.newaxis] * self.width + steps).ravel(), np.int64)

    def flat(self, layers: Floats) -> Floats:
        """``layers``, ``float32 (H, W, n)``, by index: ``float32 (pixels with the frame, n)``."""
        return framed(layers, cv2.BORDER_REFLECT_101).reshape(-1, layers.shape[2])

    def with_inside(self, values: Floats) -> Floats:
        """A copy of the layers whose hole shows ``values``, ``float32 (hole pixels, 5)``."""
        layers = self.layers.copy()
        layers[self.hole > 0] = values
        return layers


def open_patches(hole: Pixels) -> _Flags:
    """Whether all pixels of the patch round each one are in the picture and outside of ``hole``.

    ``hole`` is ``uint8 (H, W)``, above 0 = closed; the answer is ``bool (H, W)``.
    """
    reach = np.ones((PATCH_PX, PATCH_PX), np.uint8)
    closed = cv2.dilate(hole, reach, borderType=cv2.BORDER_CONSTANT, borderValue=255)
    return np.asarray(closed == 0)


def first_level(pixels: Pixels, hole: Pixels, spared: Pixels) -> Level:
    """The level at full size.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``; what they show in the hole is not looked at.
        hole: ``uint8 (H, W)``, above 0 = to be filled.
        spared: ``uint8 (H, W)``, above 0 = not to be copied from.

    """
    colours = np.where(hole[..., np.newaxis] > 0, np.float32(0), pixels.astype(np.float32))
    return Level.of(np.dstack((colours, _roughness(colours, hole))), hole, spared)


def halved(level: Level) -> Level:
    """The level at half the size, odd sides rounded up.

    A pixel shows the mean of its open ones of four; it is of the hole, or spared, if one of the
    four is.
    """
    bottom, right = (side_px % 2 for side_px in level.hole.shape)
    layers = cv2.copyMakeBorder(level.layers, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    hole, spared = (
        np.asarray(cv2.copyMakeBorder(mask, 0, bottom, 0, right, cv2.BORDER_REPLICATE))
        for mask in (level.hole, level.spared)
    )
    is_open = (hole == 0).astype(np.float32)[..., np.newaxis]
    share = _quarters(is_open)
    fours = (share.shape[0], 2, share.shape[1], 2)
    means = _quarters(layers * is_open) / np.maximum(share, np.float32(0.25))
    closed = np.where(share[..., 0] == 1, np.uint8(0), np.uint8(255))
    seen = np.where(closed > 0, np.uint8(0), spared.reshape(fours).max(axis=(1, 3)))
    return Level.of(np.rint(means), closed, seen)


def _roughness(colours: Floats, hole: Pixels) -> Floats:
    """Mean steps of brightness nearby, along rows and columns, ``float32 (H, W, 2)``.

    In levels times ``_ROUGHNESS_WEIGHT``, rounded. Steps into, out of and within the hole do not
    count.
    """
    grey = np.rint(colours.mean(axis=2))
    is_open = (hole == 0).astype(np.float32)
    steps = np.zeros((*hole.shape, 2), np.float32)
    steps[:, 1:, 0] = np.abs(np.diff(grey, axis=1)) * is_open[:, 1:] * is_open[:, :-1]
    steps[1:, :, 1] = np.abs(np.diff(grey, axis=0)) * is_open[1:] * is_open[:-1]
    side = (_ROUGHNESS_PX, _ROUGHNESS_PX)
    share = cv2.blur(is_open, side)[..., np.newaxis]
    means = _ROUGHNESS_WEIGHT * cv2.blur(steps, side) / np.maximum(share, _LEAST_SHARE)
    return np.asarray(np.rint(means), np.float32)


def framed(levels: npt.NDArray[Any], border: int) -> Floats:
    """``levels``, ``(H, W)`` or ``(H, W, n)``, in a frame of ``REACH_PX``, as ``float32``.

    ``border`` is cv2's way of making it up. With it every patch is whole.
    """
    return np.asarray(cv2.copyMakeBorder(levels, *(REACH_PX,) * 4, border), np.float32)


def _quarters(layers: Floats) -> Floats:
    """The mean of each 2 × 2 px, ``float32 (H / 2, W / 2, layers)``; both sides are even."""
    height, width, count = layers.shape
    squares = layers.reshape(height // 2, 2, width // 2, 2, count)
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)
