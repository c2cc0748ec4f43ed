"""Enlarging a picture by a network, tile by tile, within a fixed budget of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np

from studio.imaging.grey import Tone, find_tone
from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import EnlargingContract, SuperresContract
from studio.models.guard import require_contract
from studio.models.padding import pad
from studio.models.runtime import Array, Floats
from studio.models.tiling import TILE_BUDGET_BYTES, run_in_tiles
from studio.report import Report
from studio.words import msg

_RIM_PX = 4
"""Mirrored round the picture: networks take what lies beyond for black, and bleed up to 37 levels
of it into flat colours at the rim."""
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
        RGB ``uint8 (H * scale, W * scale, 3)``; grey or toned where ``pixels`` are.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no super-resolution network.
        JobCancelledError: from the report's sink.
        RetriableError: ``memory.exhausted``, not even the smallest tile fits.

    """
    contract = require_contract(model.spec, EnlargingContract)
    run_tile = _tile_runner(model, contract)
    own_scale = model.file.scale or 1
    scale = scale or own_scale
    if scale != own_scale:
        run_tile = _averaged(run_tile, scale)
    if (tone := find_tone(pixels)) is not None:
        run_tile = _toned(run_tile, tone)
    with_rim = cv2.copyMakeBorder(pixels, *(_RIM_PX,) * 4, cv2.BORDER_REFLECT)
    enlarged = run_in_tiles(
        np.asarray(with_rim, dtype=np.uint8),
        run_tile,
        report,
        scale=scale,
        overlap_px=contract.overlap_px,
        area_px=tile_area_px or tile_area(contract),
        doing=msg("enlarging with {model}", model=model.spec.title),
    )
    rim_px = _RIM_PX * scale
    return enlarged[rim_px:-rim_px, rim_px:-rim_px]


def pick_scale(scales: Iterable[int], ratio: float) -> int:
    """The smallest of a network's ``scales`` that reaches ``ratio``, else its largest."""
    known = sorted(scales)
    return next((scale for scale in known if scale >= ratio), known[-1])


def tile_area(contract: EnlargingContract) -> int:
    """Most pixels of a tile, context included, whose working memory stays within the budget."""
    return min(_LARGEST_TILE_AREA_PX, TILE_BUDGET_BYTES // contract.bytes_per_px)


def _tile_runner(model: Model, contract: EnlargingContract) -> Callable[[Pixels], Pixels]:
    """What turns one tile, RGB ``uint8 (h, w, 3)``, into ``uint8 (h * scale, w * scale, 3)``."""
    if not isinstance(contract, SuperresContract):
        return lambda tile: model.runtime.run({model.runtime.input_names[0]: tile})[0]
    name = contract.input_name or model.runtime.input_names[0]

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


def _toned(run_tile: Callable[[Pixels], Pixels], tone: Tone) -> Callable[[Pixels], Pixels]:
    """``run_tile`` without the colours that networks see in pictures that have none."""
    return lambda tile: tone.applied(run_tile(tile))


def _planes(tile: Pixels) -> Floats:
    """``float32 (1, 3, H, W)`` in ``[0, 1]``."""
    return np.asarray(cv2.dnn.blobFromImage(tile, 1 / 255), np.float32)


def _pixels(planes: Array) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` from ``float32 (3, H, W)``, clipped and rounded."""
    levels = planes * np.float32(255)
    np.rint(levels, out=levels)
    np.clip(levels, 0, 255, out=levels)
    return np.asarray(cv2.merge([plane.astype(np.uint8) for plane in levels]), dtype=np.uint8)
