"""The picture round a hole, at each size at which it is filled."""

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
_ROUGHNESS_WEIGHT = 8.0
_LEAST_SHARE = 1 / 256

Indices = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The picture at one size.

    Indices are flat, of the picture in a frame that lets every patch be whole.

    Attributes:
        layers: RGB and two of roughness, ``float32 (H, W, 5)``.
        hole: ``uint8 (H, W)``, above 0 = to be filled.
        spared: ``uint8 (H, W)``, above 0 = outside of the hole, and not copied from.
        width: of the framed picture.
        inside: the pixels of the hole.
        targets: middles of the patches that touch it.
        sources: middles of the patches that do not, nor leave the picture or show what is spared.
        is_source: whether a pixel is one.
        slots: where a pixel is among the targets, or -1.

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
        """The level that these show."""
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
        """What to add to an index for each pixel of a square around it."""
        steps = np.arange(-reach_px, reach_px + 1)
        return np.asarray((steps[:, np.newaxis] * self.width + steps).ravel(), np.int64)

    def flat(self, layers: Floats) -> Floats:
        """``float32 (pixels with the frame, layers)``."""
        return framed(layers, cv2.BORDER_REFLECT_101).reshape(-1, layers.shape[2])

    def with_inside(self, values: Floats) -> Floats:
        """The layers with ``float32 (hole pixels, 5)`` in the hole."""
        layers = self.layers.copy()
        layers[self.hole > 0] = values
        return layers


def open_patches(hole: Pixels) -> _Flags:
    """Where a whole patch is open round a pixel, ``bool (H, W)``."""
    reach = np.ones((PATCH_PX, PATCH_PX), np.uint8)
    closed = cv2.dilate(hole, reach, borderType=cv2.BORDER_CONSTANT, borderValue=255)
    return np.asarray(closed == 0)


def first_level(pixels: Pixels, hole: Pixels, spared: Pixels) -> Level:
    """At full size; what ``pixels`` show in the hole is not looked at."""
    colours = np.where(hole[..., np.newaxis] > 0, np.float32(0), pixels.astype(np.float32))
    return Level.of(np.dstack((colours, _roughness(colours, hole))), hole, spared)


def halved(level: Level) -> Level:
    """At half the size: means of what is open, closed wherever anything of a pixel is."""
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
    """Mean steps of brightness nearby, along rows and columns, ``float32 (H, W, 2)``."""
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
    """``levels`` in a frame that lets every patch be whole, made as cv2's ``border`` says."""
    return np.asarray(cv2.copyMakeBorder(levels, *(REACH_PX,) * 4, border), np.float32)


def _quarters(layers: Floats) -> Floats:
    """Means of squares of four."""
    height, width, count = layers.shape
    squares = layers.reshape(height // 2, 2, width // 2, 2, count)
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)
