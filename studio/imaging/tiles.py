"""Running a network over a big picture piece by piece, without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from studio.imaging.picture import Pixels


@dataclass(frozen=True, slots=True)
class _Span:
    """Along one axis: what a tile reads, and the part of it that is written."""

    read_start: int
    read_stop: int
    write_start: int
    write_stop: int


def best_tile(
    height_px: int, width_px: int, *, area_px: int, overlap_px: int, least_px: int
) -> tuple[int, int]:
    """The tile with which ``run_tiled`` computes the least for a picture of this size.

    Context is computed again and again, so a tile that spans a whole side wastes none there.

    Args:
        height_px: of the picture.
        width_px: of the picture.
        area_px: most pixels a tile may have, context included.
        overlap_px: context on each side.
        least_px: shortest side of a tile that does not span the picture; more than two overlaps.

    Returns:
        Height and width, context included. Where ``area_px`` is too small for any tile, the
        smallest one.

    """
    best = (min(height_px, least_px), min(width_px, least_px))
    least_work = None
    for tile_width_px in _sides(width_px, overlap_px, least_px):
        tallest_px = min(height_px, area_px // tile_width_px)
        if tallest_px < min(height_px, least_px):
            continue
        rows = _count(height_px, tallest_px, overlap_px)
        tile_height_px = _even_side(height_px, rows, overlap_px)
        columns = _count(width_px, tile_width_px, overlap_px)
        work = rows * columns * tile_height_px * tile_width_px
        if least_work is None or work < least_work:
            best, least_work = (tile_height_px, tile_width_px), work
    return best


def run_tiled(
    pixels: Pixels,
    process: Callable[[Pixels], Pixels],
    *,
    scale: int,
    tile_px: tuple[int, int],
    overlap_px: int,
    on_tile: Callable[[int, int], None] | None = None,
) -> Pixels:
    """Apply ``process`` tile by tile; equal to one call on the whole wherever it is local.

    Every written pixel has at least ``overlap_px`` of real context on each side, or the
    picture's own border; so a network whose receptive field reaches no further gives the
    same result as on the whole. All tiles have the same size: those at the far edges are
    shifted inwards. Only one tile and the output are held at a time.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        process: RGB ``uint8 (h, w, 3)`` to ``uint8 (h * scale, w * scale, 3)``.
        scale: whole enlargement of ``process``.
        tile_px: height and width of a tile, context included.
        overlap_px: context on each side, less than half of a tile's side unless that spans the
            picture.
        on_tile: called after each tile with how many are done, and of how many.

    Returns:
        ``uint8 (H * scale, W * scale, 3)``.

    Raises:
        ValueError: the overlap leaves nothing of a tile, or ``process`` returns another shape.

    """
    height, width = pixels.shape[:2]
    rows = list(_spans(height, tile_px[0], overlap_px))
    columns = list(_spans(width, tile_px[1], overlap_px))
    output = np.empty((height * scale, width * scale, 3), dtype=np.uint8)
    done = 0
    for row in rows:
        for column in columns:
            _run_one(pixels, process, output, row, column, scale)
            done += 1
            if on_tile:
                on_tile(done, len(rows) * len(columns))
    return output


def _run_one(
    pixels: Pixels,
    process: Callable[[Pixels], Pixels],
    output: Pixels,
    row: _Span,
    column: _Span,
    scale: int,
) -> None:
    tile = np.ascontiguousarray(
        pixels[row.read_start : row.read_stop, column.read_start : column.read_stop]
    )
    result = process(tile)
    expected = (tile.shape[0] * scale, tile.shape[1] * scale, 3)
    if result.shape != expected:
        raise ValueError(f"a tile came back as {result.shape} in place of {expected}")
    output[_scaled(row.write_start, row.write_stop, scale)][
        :, _scaled(column.write_start, column.write_stop, scale)
    ] = result[
        _scaled(row.write_start - row.read_start, row.write_stop - row.read_start, scale),
        _scaled(
            column.write_start - column.read_start, column.write_stop - column.read_start, scale
        ),
    ]


def _scaled(start: int, stop: int, scale: int) -> slice:
    return slice(start * scale, stop * scale)


def _spans(length: int, tile_px: int, overlap_px: int) -> Iterator[_Span]:
    """Fewest tiles that cover ``length``, evenly spread; neighbours meet mid-overlap."""
    count = _count(length, tile_px, overlap_px)
    if count == 1:
        yield _Span(0, length, 0, length)
        return
    starts = [index * (length - tile_px) // (count - 1) for index in range(count)]
    seams = [(later + earlier + tile_px) // 2 for earlier, later in pairwise(starts)]
    for start, first, last in zip(starts, [0, *seams], [*seams, length], strict=True):
        yield _Span(start, start + tile_px, first, last)


def _count(length: int, tile_px: int, overlap_px: int) -> int:
    """How many tiles of a side cover ``length``."""
    if length <= tile_px:
        return 1
    if not 0 <= 2 * overlap_px < tile_px:
        raise ValueError(f"an overlap of {overlap_px} px leaves nothing of a {tile_px} px tile")
    return -(-(length - 2 * overlap_px) // (tile_px - 2 * overlap_px))


def _even_side(length: int, count: int, overlap_px: int) -> int:
    """The shortest side of which ``count`` tiles cover ``length``."""
    return length if count == 1 else -(-(length - 2 * overlap_px) // count) + 2 * overlap_px


def _sides(length: int, overlap_px: int, least_px: int) -> Iterator[int]:
    """Sides of tiles that divide ``length`` evenly, from one tile to ever more."""
    yield length
    for count in range(2, length):
        side_px = _even_side(length, count, overlap_px)
        if not least_px <= side_px < length:
            return
        yield side_px
