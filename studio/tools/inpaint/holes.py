"""The mask's connected regions, and the crop of the picture that each is filled from."""

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
_PIECE_PX = 384
_THIN_MARGIN_PX = 40
_LONG_PX = 768
_SPARSE_RATIO = 0.25
"""Holes that are longer and fill less of their box, as round a wire or a frame, are filled
piece by piece, so that their box is not the whole picture."""

_LEAST_OPEN_RATIO = 0.25
"""What a box shows has to be so much of its hole, or it grows: within a broad band, and among many
holes, the usual margins show nothing."""

_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """A hole, or a piece of a long one, that is filled by itself, and the box of picture round it.

    Attributes:
        left, top, right, bottom: the box, in px of the picture; right and bottom lie outside.
        mask: ``uint8`` of the box's size, 255 = to be filled.
        is_thin: whether it is a scratch.

    """

    left: int
    top: int
    right: int
    bottom: int
    mask: Pixels
    is_thin: bool

    @property
    def rows(self) -> slice:
        """Rows of the picture that the box covers."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Columns of the picture that the box covers."""
        return slice(self.left, self.right)


def find_holes(mask: Pixels, hidden: Pixels) -> tuple[list[Hole], Pixels]:
    """Split an inpainting mask into holes that are filled one after another.

    Regions that touch by an edge or a corner are one hole. Long sparse ones, as round a wire, are
    cut into pieces of at most ``_PIECE_PX`` a side.

    Args:
        mask: ``uint8 (H, W)``, how far each pixel is repainted; all above 0 is hole. Of a thin
            hole only what is at least ``SOLID_LEVEL``, as mending meets the edges already.
        hidden: ``uint8 (H, W)``, above 0 = shows nothing to fill from, without being a hole.

    Returns:
        Holes in the order to fill them, thin ones (``THIN_RADIUS_PX``) last; and all of them as
        one mask, ``uint8 (H, W)``, 0 or 255.

    """
    any_hole, solid = (mask > 0).astype(np.uint8), (mask >= SOLID_LEVEL).astype(np.uint8)
    _, found, boxes, _ = cv2.connectedComponentsWithStats(any_hole, connectivity=8)
    labels, stats = np.asarray(found, np.int32), np.asarray(boxes, np.int32)
    is_thin = _deepest(solid, labels, len(stats)) <= THIN_RADIUS_PX
    is_thin[0] = False
    thin = is_thin[labels]
    closed = np.where(thin, solid, any_hole)
    unseen = np.where(hidden > 0, np.uint8(1), closed)
    holes: list[Hole] = []
    for label in np.flatnonzero(~is_thin)[1:].tolist():
        left, top, width, height, area = (int(number) for number in stats[label])
        own = labels[top : top + height, left : left + width] == label
        is_sparse = area < _SPARSE_RATIO * width * height
        if max(width, height) > _LONG_PX and is_sparse:
            holes += _pieces(unseen, own, (left, top), _margin(_PIECE_PX), is_thin=False)
        else:
            holes.append(_hole(unseen, own, (left, top), _margin(max(width, height))))
    holes += _pieces(unseen, thin & (solid > 0), (0, 0), _THIN_MARGIN_PX, is_thin=True)
    return holes, closed * np.uint8(255)


def _deepest(solid: Pixels, labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float32]:
    """Radius in px of the largest disc in each hole; the picture's border is no edge."""
    framed = cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    deepest = np.zeros(count, dtype=np.float32)
    inside = solid > 0
    np.maximum.at(deepest, labels[inside], depth[inside])
    return deepest


def _margin(length_px: int) -> int:
    return min(max(ceil(length_px * _MARGIN_RATIO), _LEAST_MARGIN_PX), _MOST_MARGIN_PX)


def _pieces(
    unseen: Pixels, own: _Flags, at: tuple[int, int], margin_px: int, *, is_thin: bool
) -> list[Hole]:
    """Regions of at most ``_PIECE_PX`` a side that hold ``own``, whose corner lies ``at``."""
    pieces = []
    for top in range(0, own.shape[0], _PIECE_PX):
        for left in range(0, own.shape[1], _PIECE_PX):
            tile = own[top : top + _PIECE_PX, left : left + _PIECE_PX]
            if tile.any():
                x, y, width, height = cv2.boundingRect(tile.astype(np.uint8))
                part = tile[y : y + height, x : x + width]
                corner = (at[0] + left + x, at[1] + top + y)
                pieces.append(_hole(unseen, part, corner, margin_px, is_thin=is_thin))
    return pieces


def _hole(
    unseen: Pixels, own: _Flags, at: tuple[int, int], margin_px: int, *, is_thin: bool = False
) -> Hole:
    """The hole ``own``, whose corner lies ``at`` (left, top), in a box with enough that is open."""
    height, width = own.shape
    least_px = _LEAST_OPEN_RATIO * np.count_nonzero(own)
    while True:
        left, right = _grown(at[0], width, margin_px, unseen.shape[1])
        top, bottom = _grown(at[1], height, margin_px, unseen.shape[0])
        box = unseen[top:bottom, left:right]
        if box.shape == unseen.shape or np.count_nonzero(box == 0) >= least_px:
            break
        margin_px *= 2
    hole = np.zeros((bottom - top, right - left), dtype=np.uint8)
    down, across = at[1] - top, at[0] - left
    hole[down : down + height, across : across + width][own] = 255
    return Hole(left, top, right, bottom, hole, is_thin)


def _grown(start: int, length: int, margin: int, limit: int) -> tuple[int, int]:
    """A span with its margins; what the border cuts off is added on the other side."""
    first, last = start - margin, start + length + margin
    first, last = first - max(last - limit, 0), last + max(-first, 0)
    return max(first, 0), min(last, limit)
