"""BlazeFace: proposals of faces, on the whole picture and on tiles of it.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019; the
decoding follows MediaPipe's published graphs (short range and full range model cards).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.face import Points
from studio.faces.networks import answer, sigmoid
from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.runtime import Floats
from studio.report import Report

LEAST_SCORE = 0.5
_LEAST_TILE_SCORE = 0.6
_TILE_TRUST = 0.95
"""A tile sees less of what is around a face than the whole picture."""
_TILE_SHARES = (0.6, 0.4, 0.25)
"""Sides of the square tiles over the long side of the picture."""
_LEAST_TILE_PX = (192, 192, 320)
"""Tiles smaller than this are left out: the picture has no smaller faces to show."""
_TILE_STEP_SHARE = 0.6
_BORDER_PX = 2
_WORKING_SIDE_PX = 1536
"""Tiles of larger pictures are taken from a copy of this size: detectors shrink them anyway."""

_TURNED_TRUST = 0.95
"""Faces are upright unless another turn shows clearly more."""
_WHOLE_SIDE_PX = 2 * 192
"""Enough for detectors that look at a whole picture at 192 px."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The layout of a detector's answers: rows of cells for each stride, several boxes a cell."""

    size_px: int
    cells: tuple[tuple[int, int], ...]
    """(cells a side, boxes a cell), coarse grids last."""


SHORT_RANGE = Grid(size_px=128, cells=((16, 2), (8, 6)))
FULL_RANGE = Grid(size_px=192, cells=((48, 1),))


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What a detector takes for a face; lengths and points in px of the picture.

    Attributes:
        score: 0 to 1.
        box: ``float32 (4,)`` left, top, right, bottom.
        points: ``float32 (6, 2)``: eyes, nose, mouth, ears; the subject's right before the left.

    """

    score: float
    box: Points
    points: Points

    def moved(self, offset: Points, *, scale: float = 1.0, trust: float = 1.0) -> Proposal:
        """The same in a picture ``scale`` times as large, of which this was a part."""
        box = self.box * scale + np.tile(offset, 2)
        return Proposal(self.score * trust, box, self.points * scale + offset)

    def turned_back(self, width_px: int) -> Proposal:
        """The same in the picture that ``np.rot90`` turned, which is ``width_px`` wide."""
        corners = _turned_back(self.box.reshape(2, 2), width_px)
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        return Proposal(self.score, box, _turned_back(self.points, width_px))


@dataclass(frozen=True, slots=True)
class Detectors:
    """Both detectors, loaded."""

    short: Model
    full: Model

    def propose(self, pixels: Pixels, report: Report, *, with_tiles: bool = True) -> list[Proposal]:
        """Faces of a picture, RGB ``uint8 (H, W, 3)``, best first, each once."""
        found = detect(self.short, SHORT_RANGE, pixels) + detect(self.full, FULL_RANGE, pixels)
        if with_tiles:
            found += self._propose_on_tiles(pixels, report)
        return suppress(found)

    def propose_turned(self, pixels: Pixels, report: Report) -> list[Proposal]:
        """Faces lying or upside down, each as often as it is seen.

        The detectors know heads that lean; past a quarter turn they begin to miss them.
        """
        small, scale = _shrunk(pixels, _WHOLE_SIDE_PX)
        found = []
        for quarters in (1, 2, 3):
            report.check()
            turned = np.ascontiguousarray(np.rot90(small, quarters))
            for one in self.propose(turned, report, with_tiles=False):
                upright = one
                for step in range(quarters, 0, -1):
                    upright = upright.turned_back(small.shape[1 - (step - 1) % 2])
                origin = np.zeros(2, np.float32)
                found.append(upright.moved(origin, scale=scale, trust=_TURNED_TRUST))
        return found

    def propose_with_border(
        self, pixels: Pixels, report: Report, *, share: float
    ) -> list[Proposal]:
        """Faces of a picture set in a black border of ``share`` of its sides, best first.

        The detectors have learned heads with something around them.
        """
        small, scale = _shrunk(pixels, _WHOLE_SIDE_PX)
        height, width = small.shape[:2]
        across, down = round(width * share), round(height * share)
        wide = cv2.copyMakeBorder(small, down, down, across, across, cv2.BORDER_CONSTANT)
        offset = np.array([-across, -down], np.float32) * scale
        found = self.propose(np.asarray(wide, np.uint8), report, with_tiles=False)
        return [one.moved(offset, scale=scale) for one in found]

    def _propose_on_tiles(self, pixels: Pixels, report: Report) -> list[Proposal]:
        small, scale = _shrunk(pixels, _WORKING_SIDE_PX)
        height, width = small.shape[:2]
        tiles = list(tiles_of(width, height))
        found = []
        for done, (left, top, side) in enumerate(tiles):
            report.progress(done / len(tiles))
            part = small[top : top + side, left : left + side]
            offset = np.array([left, top], np.float32)
            for one in detect(self.full, FULL_RANGE, part, least_score=_LEAST_TILE_SCORE):
                if not _is_cut(one.box, offset, part.shape[1::-1], (width, height)):
                    whole = one.moved(offset, trust=_TILE_TRUST)
                    found.append(whole.moved(np.zeros(2, np.float32), scale=scale))
        return found


@lru_cache(maxsize=4)
def anchors(grid: Grid) -> Floats:
    """Centres of all boxes, ``float32 (N, 2)`` x, y, 0 to 1: row by row, box by box."""
    rows = []
    for cells, boxes in grid.cells:
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        rows.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), boxes, axis=0))
    return np.concatenate(rows).astype(np.float32)


def letterbox(pixels: Pixels, size_px: int) -> tuple[Pixels, float, Points]:
    """``pixels`` fitted into a black square; with the scale and where its corner went."""
    height, width = pixels.shape[:2]
    scale = size_px / max(height, width)
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size_px - fitted[0]) // 2, (size_px - fitted[1]) // 2
    square = np.zeros((size_px, size_px, 3), np.uint8)
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    inside = square[top : top + fitted[1], left : left + fitted[0]]
    inside[:] = cv2.resize(pixels, fitted, interpolation=filter_)
    return square, scale, np.array([left, top], np.float32)


def decode(boxes: Floats, logits: Floats, grid: Grid, least_score: float) -> list[Proposal]:
    """Proposals in px of the network's input.

    Args:
        boxes: ``float32 (N, 16)``: dx, dy, w, h and six points from each anchor, in input px.
        logits: ``float32 (N,)``.
        grid: whose anchors they are.
        least_score: what scores less is left out.

    """
    scores = sigmoid(logits)
    is_kept = scores > least_score
    origins = anchors(grid)[is_kept] * grid.size_px
    values = boxes[is_kept].reshape(-1, 8, 2)
    centres, half = values[:, 0] + origins, values[:, 1] / 2
    corners = np.concatenate([centres - half, centres + half], axis=1)
    points = values[:, 2:] + origins[:, None]
    return [
        Proposal(float(score), box, six)
        for score, box, six in zip(scores[is_kept], corners, points, strict=True)
    ]


def detect(
    model: Model, grid: Grid, pixels: Pixels, *, least_score: float = LEAST_SCORE
) -> list[Proposal]:
    """What one detector sees in a picture, with repetitions."""
    square, scale, corner = letterbox(pixels, grid.size_px)
    boxes, logits = answer(model, square)
    found = decode(boxes.reshape(-1, 16), logits.ravel(), grid, least_score)
    return [one.moved(-corner / scale, scale=1 / scale) for one in found]


def suppress(
    proposals: Sequence[Proposal], *, overlap: float = 0.3, containment: float = 0.7
) -> list[Proposal]:
    """Each face once, best first: the mean, weighted by score, of the boxes that agree on it.

    Args:
        proposals: in any order; equal scores keep theirs.
        overlap: intersection over union above which two boxes mean the same face.
        containment: intersection over the smaller box above which the weaker one is dropped,
            such as half a face seen on a tile.

    """
    rest = sorted(proposals, key=lambda one: -one.score)
    kept = []
    while rest:
        boxes = np.stack([one.box for one in rest])
        over_union, over_smaller = overlaps(boxes[0], boxes)
        agrees = over_union > overlap
        agrees[0] = True
        kept.append(_mean([one for one, is_one in zip(rest, agrees, strict=True) if is_one]))
        is_other = ~(agrees | (over_smaller > containment))
        rest = [one for one, stays in zip(rest, is_other, strict=True) if stays]
    return kept


def tiles_of(width_px: int, height_px: int) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of overlapping square tiles; they may reach beyond a short side."""
    long_side = max(width_px, height_px)
    for share, least_px in zip(_TILE_SHARES, _LEAST_TILE_PX, strict=True):
        side = int(long_side * share)
        if side >= least_px:
            tops, lefts = _starts(height_px, side), _starts(width_px, side)
            yield from ((left, top, side) for top, left in product(tops, lefts))


def _starts(length_px: int, side_px: int) -> list[int]:
    spare = length_px - side_px
    if spare <= 0:
        return [0]
    count = ceil(spare / (side_px * _TILE_STEP_SHARE)) + 1
    return [int(start) for start in np.linspace(0, spare, count)]


def _turned_back(points: Points, width_px: int) -> Points:
    """Points of a picture turned anticlockwise by a quarter, before it was."""
    return np.column_stack([width_px - points[:, 1], points[:, 0]])


def _shrunk(pixels: Pixels, side_px: int) -> tuple[Pixels, float]:
    """``pixels`` at most ``side_px`` long, and the factor back."""
    height, width = pixels.shape[:2]
    factor = max(height, width) / side_px
    if factor <= 1:
        return pixels, 1.0
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), factor


def _is_cut(box: Points, offset: Points, tile: tuple[int, ...], picture: tuple[int, int]) -> bool:
    """Whether a tile's inner border runs through a box: another tile has all of that face."""
    before = (box[:2] < _BORDER_PX) & (offset > 0)
    after = (box[2:] > np.array(tile) - _BORDER_PX) & (offset + tile < picture)
    return bool(before.any() or after.any())


def overlaps(one: Points, boxes: Points) -> tuple[Floats, Floats]:
    """Intersection over union, and over the smaller of the two, of ``one`` with each box."""
    shared = np.minimum(one[2:], boxes[:, 2:]) - np.maximum(one[:2], boxes[:, :2])
    intersection = np.prod(np.maximum(shared, 0), axis=1)
    areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    own = np.prod(np.maximum(one[2:] - one[:2], 0))
    tiny = np.finfo(np.float32).tiny
    union: npt.NDArray[np.float32] = own + areas - intersection
    return intersection / np.maximum(union, tiny), intersection / np.maximum(
        np.minimum(own, areas), tiny
    )


def _mean(agreeing: Sequence[Proposal]) -> Proposal:
    """One proposal of several; the first, which is the best, gives the score."""
    weights = np.array([one.score for one in agreeing], np.float32)
    weights /= weights.sum()
    box = np.tensordot(weights, np.stack([one.box for one in agreeing]), axes=1)
    points = np.tensordot(weights, np.stack([one.points for one in agreeing]), axes=1)
    return Proposal(agreeing[0].score, box, points)
