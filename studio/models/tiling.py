"""Running a network tile by tile within the memory there is."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from studio.imaging.picture import Pixels
from studio.imaging.tiles import best_tile, run_tiled
from studio.models.guard import memory_exhausted
from studio.report import Report
from studio.words import Message, msg

TILE_BUDGET_BYTES = 7 << 28
"""Working memory one tile may take, 1.75 GiB. Fixed, because the tiling may show in the last bit
of a result, and the same run must give the same bytes on a machine that is fuller today."""
_LEAST_NEW_PX = 32
"""A tile's shortest side without its context."""


def run_in_tiles(
    pixels: Pixels,
    run_tile: Callable[[Pixels], Pixels],
    report: Report,
    *,
    scale: int,
    overlap_px: int,
    area_px: int,
    doing: Message,
) -> Pixels:
    """Apply ``run_tile`` to all of ``pixels``, in smaller tiles where memory runs out.

    The report is told of smaller tiles, the tiles start over then, and the report's sink may
    cancel after every tile.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        run_tile: RGB ``uint8 (h, w, 3)`` to ``uint8 (h * scale, w * scale, 3)``.
        report: progress 0 to 1, notes.
        scale: whole enlargement of ``run_tile``.
        overlap_px: source pixels of context each tile needs on every side.
        area_px: most pixels in a tile, context included.
        doing: what is being done, as in "enlarging with EDSR".

    Returns:
        RGB ``uint8 (H * scale, W * scale, 3)``.

    Raises:
        JobCancelledError: from the report's sink.
        RetriableError: ``memory.exhausted``, not even the smallest tile fits.

    """
    tile_px = best_tile(
        *pixels.shape[:2],
        area_px=area_px,
        overlap_px=overlap_px,
        least_px=2 * overlap_px + _LEAST_NEW_PX,
    )
    while True:
        try:
            return run_tiled(
                pixels,
                run_tile,
                scale=scale,
                tile_px=tile_px,
                overlap_px=overlap_px,
                on_tile=lambda done, total: report.progress(done / total),
            )
        except MemoryError as error:
            smaller_px = _smaller_tile(pixels, tile_px, overlap_px)
            if smaller_px is None:
                raise memory_exhausted(doing) from error
            tile_px = smaller_px
            height_px, width_px = tile_px
            report.note(
                msg(
                    "Memory ran out; smaller tiles were used, {width} × {height} px.",
                    width=width_px,
                    height=height_px,
                )
            )


def _smaller_tile(
    pixels: Pixels, tile_px: tuple[int, int], overlap_px: int
) -> tuple[int, int] | None:
    """Half of a tile that did not fit; None when it was as small as makes sense.

    Below four overlaps a tile would be mostly context.
    """
    smaller_px = best_tile(
        *pixels.shape[:2],
        area_px=prod(tile_px) // 2,
        overlap_px=overlap_px,
        least_px=max(2 * overlap_px + _LEAST_NEW_PX, 4 * overlap_px),
    )
    return smaller_px if prod(smaller_px) < prod(tile_px) else None
