"""Enlarging a picture by a network, tile by tile, within a fixed budget of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np

from studio.imaging.grey import is_grey, without_colour
from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import OpencvSuperresContract, SuperresContract
from studio.models.padding import pad
from studio.models.runtime import Array, Floats
from studio.models.tiling import TILE_BUDGET_BYTES, run_in_tiles
from studio.report import Report

_LARGEST_TILE_AREA_PX = 768 * 768
"""Beyond it a tile saves little and takes seconds, in which no progress shows."""


def enlarge(
    model: Model,
    pixels: Pixels,
    report: Report,
    *,
    scale: int | None = None,
    tile_area_px: int | None = None,
) -> Pixels:
    """Enlarge by the scale of the model's file, or by a smaller whole factor.

    When a tile does not fit into memory a smaller one is chosen, the report is told, and the
    tiles start over; the report's sink may cancel after every tile.

    Args:
        model: opened by the cache.
        pixels: RGB ``uint8 (H, W, 3)``.
        report: progress 0 to 1, notes.
        scale: of the result, at most the file's. Each tile is averaged down to it, so that
            the larger picture never exists as a whole.
        tile_area_px: most pixels in a tile, context included; None chooses them by
            ``TILE_BUDGET_BYTES``.

    Returns:
        RGB ``uint8 (H * scale, W * scale, 3)``; grey where ``pixels`` are.

    Raises:
        TypeError: the model is not a super-resolution network.
        JobCancelledError: from the report's sink.
        RetriableError: ``memory.exhausted``, not even the smallest tile fits.

    """
    contract = model.spec.contract
    if not isinstance(contract, SuperresContract | OpencvSuperresContract) or not model.file.scale:
        raise TypeError(f"{model.spec.id} is not a super-resolution network")
    run_tile = _tile_runner(model, contract)
    if scale is None or scale == model.file.scale:
        scale = model.file.scale
    else:
        run_tile = _averaged(run_tile, scale)
    if is_grey(pixels):
        run_tile = _grey(run_tile)
    return run_in_tiles(
        pixels,
        run_tile,
        report,
        scale=scale,
        overlap_px=contract.overlap_px,
        area_px=tile_area_px or tile_area(contract),
        doing=f"enlarging with {model.spec.title}",
    )


def pick_scale(scales: Iterable[int], ratio: float) -> int:
    """The smallest of a network's ``scales`` that reaches ``ratio``, else its largest."""
    known = sorted(scales)
    return next((scale for scale in known if scale >= ratio), known[-1])


def tile_area(contract: SuperresContract | OpencvSuperresContract) -> int:
    """Most pixels of a tile, context included, whose working memory stays within the budget."""
    return min(_LARGEST_TILE_AREA_PX, TILE_BUDGET_BYTES // contract.bytes_per_px)


def _tile_runner(
    model: Model, contract: SuperresContract | OpencvSuperresContract
) -> Callable[[Pixels], Pixels]:
    """What turns one tile, RGB ``uint8 (h, w, 3)``, into ``uint8 (h * scale, w * scale, 3)``."""
    name = contract.input_name if isinstance(contract, SuperresContract) else None
    name = name or model.runtime.input_names[0]
    if isinstance(contract, OpencvSuperresContract):
        return lambda tile: model.runtime.run({name: tile})[0]

    def run(tile: Pixels) -> Pixels:
        height, width = tile.shape[:2]
        padded = pad(tile, contract.multiple)
        output = model.runtime.run({name: _planes(padded)})[0]
        scale = output.shape[3] // padded.shape[1]
        return _pixels(output[0, :, : height * scale, : width * scale])

    return run


def _averaged(run_tile: Callable[[Pixels], Pixels], scale: int) -> Callable[[Pixels], Pixels]:
    """``run_tile`` with its answer reduced to ``scale`` times the tile's size."""

    def run(tile: Pixels) -> Pixels:
        size = (tile.shape[1] * scale, tile.shape[0] * scale)
        return np.asarray(
            cv2.resize(run_tile(tile), size, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )

    return run


def _grey(run_tile: Callable[[Pixels], Pixels]) -> Callable[[Pixels], Pixels]:
    """``run_tile`` without the colour that networks see in pictures that have none."""
    return lambda tile: without_colour(run_tile(tile))


def _planes(tile: Pixels) -> Floats:
    """``float32 (1, 3, H, W)`` in ``[0, 1]``."""
    return np.asarray(cv2.dnn.blobFromImage(tile, 1 / 255), np.float32)


def _pixels(planes: Array) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` from ``float32 (3, H, W)``, clipped and rounded."""
    levels = planes * np.float32(255)
    np.rint(levels, out=levels)
    np.clip(levels, 0, 255, out=levels)
    return np.asarray(cv2.merge([plane.astype(np.uint8) for plane in levels]), dtype=np.uint8)
