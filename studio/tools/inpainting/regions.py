"""Where the holes are, and how much around each is looked at: never the whole picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.masks import SOLID_LEVEL
from studio.imaging.picture import Pixels

THIN_RADIUS_PX = 7.0
"""Holes in which no larger disc fits are scratches, wires and writing."""

_LEAST_MARGIN_PX = 48
_MOST_MARGIN_PX = 256
_MARGIN_RATIO = 0.4
"""Surroundings looked at on each side, over the longer side of the hole."""
_THIN_MARGIN_PX = 40
_TILE_PX = 384
"""A long scratch is filled in pieces, so that its box is not the whole picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A part of the picture that is filled by itself.

    Attributes:
        left, top, right, bottom: box in px of the picture, holes and surroundings.
        hole: ``uint8`` of the box's size, 255 = to be filled now.
        closed: the same for everything masked in the box, also by other regions: it shows
            nothing that could be copied.
        is_thin: whether it is a scratch.

    """

    left: int
    top: int
    right: int
    bottom: int
    hole: Pixels
    closed: Pixels
    is_thin: bool

    @property
    def rows(self) -> slice:
        """Of the box."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Of the box."""
        return slice(self.left, self.right)

    @property
    def has_surroundings(self) -> bool:
        """Whether the box shows anything outside of all holes."""
        return bool((self.closed == 0).any())


def find_regions(mask: Pixels) -> list[Region]:
    """The separate holes of ``mask``, larger ones first, scratches in pieces after them.

    Args:
        mask: ``uint8 (H, W)``; everything above 0 is hole. A thin one is filled without its
            feather, as mending meets the edges already.

    """
    hole, solid = (mask > 0).astype(np.uint8), (mask >= SOLID_LEVEL).astype(np.uint8)
    _, found, boxes, _ = cv2.connectedComponentsWithStats(hole, connectivity=8)
    labels, stats = np.asarray(found, np.int32), np.asarray(boxes, np.int32)
    deepest = _deepest(solid, labels, len(stats))
    deepest[0] = 0
    whole = [
        _whole_region(hole, labels, label, stats[label])
        for label in np.flatnonzero(deepest > THIN_RADIUS_PX).tolist()
    ]
    is_thin = deepest <= THIN_RADIUS_PX
    is_thin[0] = False
    thin = is_thin[labels] & (solid > 0)
    # Without its feather, what is thin shows its edges.
    seen = np.where(is_thin[labels], solid, hole)
    return whole + _thin_regions(seen, thin)


def _deepest(solid: Pixels, labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float32]:
    """Radius in px of the largest disc in each hole; the picture's border is no edge."""
    framed = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    deepest = np.zeros(count, dtype=np.float32)
    inside = solid > 0
    np.maximum.at(deepest, labels[inside], depth[inside])
    return deepest


def _whole_region(
    hole: Pixels, labels: npt.NDArray[np.int32], label: int, stats: npt.NDArray[np.int32]
) -> Region:
    left, top, width, height = (int(number) for number in stats[:4])
    margin = ceil(max(width, height) * _MARGIN_RATIO)
    margin = min(max(margin, _LEAST_MARGIN_PX), _MOST_MARGIN_PX)
    box = _box(hole, (left, top, width, height), margin)
    own = labels[box[1] : box[3], box[0] : box[2]] == label
    return _region(hole, own, box, is_thin=False)


def _thin_regions(hole: Pixels, thin: npt.NDArray[np.bool_]) -> list[Region]:
    regions = []
    for top in range(0, hole.shape[0], _TILE_PX):
        for left in range(0, hole.shape[1], _TILE_PX):
            tile = thin[top : top + _TILE_PX, left : left + _TILE_PX]
            if tile.any():
                x, y, width, height = cv2.boundingRect(tile.astype(np.uint8))
                box = _box(hole, (left + x, top + y, width, height), _THIN_MARGIN_PX)
                own = np.zeros((box[3] - box[1], box[2] - box[0]), dtype=bool)
                down, across = top + y - box[1], left + x - box[0]
                part = tile[y : y + height, x : x + width]
                own[down : down + height, across : across + width] = part
                regions.append(_region(hole, own, box, is_thin=True))
    return regions


def _box(hole: Pixels, around: tuple[int, int, int, int], margin: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a span with its margins."""
    left, right = _grown(around[0], around[2], margin, hole.shape[1])
    top, bottom = _grown(around[1], around[3], margin, hole.shape[0])
    return left, top, right, bottom


def _grown(start: int, length: int, margin: int, limit: int) -> tuple[int, int]:
    """A span with its margins; what the border cuts off is added on the other side."""
    first, last = start - margin, start + length + margin
    first, last = first - max(last - limit, 0), last + max(-first, 0)
    return max(first, 0), min(last, limit)


def _region(
    hole: Pixels,
    own: npt.NDArray[np.bool_],
    box: tuple[int, int, int, int],
    *,
    is_thin: bool,
) -> Region:
    left, top, right, bottom = box
    closed = hole[top:bottom, left:right] * np.uint8(255)
    hole_here = np.where(own, np.uint8(255), np.uint8(0))
    return Region(left, top, right, bottom, hole_here, closed, is_thin)
