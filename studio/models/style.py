"""Drawing a photograph by an image-to-image network."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import StyleContract
from studio.models.guard import require_contract
from studio.models.levels import to_levels, to_pixels
from studio.models.padding import pad
from studio.models.runtime import Array, Floats
from studio.models.tiling import TILE_BUDGET_BYTES, run_in_tiles
from studio.report import Report
from studio.words import msg


def working_size(contract: StyleContract, width_px: int, height_px: int) -> tuple[int, int]:
    """Width and height a picture is drawn at: its own, or less where the network asks for it."""
    ratio = 1.0
    if contract.short_side_px is not None:
        ratio = min(ratio, contract.short_side_px / min(width_px, height_px))
    if contract.overlap_px is None:
        area_px = TILE_BUDGET_BYTES // contract.bytes_per_px
        ratio = min(ratio, (area_px / (width_px * height_px)) ** 0.5)
    return max(round(width_px * ratio), 1), max(round(height_px * ratio), 1)


def draw(model: Model, pixels: Pixels, report: Report) -> Pixels:
    """Draw a picture at its own size, in tiles where it is large and the network allows it.

    Args:
        model: opened by the cache; of a portrait style, either network.
        pixels: RGB ``uint8 (H, W, 3)``.
        report: progress 0 to 1, notes.

    Returns:
        RGB ``uint8 (H, W, 3)``.

    Raises:
        ModelUnavailableError: ``model.unsupported``.
        MemoryError: the network needs the whole picture, which does not fit.
        RetriableError: ``memory.exhausted``, not even the smallest tile fits.

    """
    contract = require_contract(model.spec, StyleContract)
    if contract.overlap_px is None:
        drawn = _draw_whole(model, contract, pixels)
        report.progress(1.0)
        return drawn
    return run_in_tiles(
        pixels,
        lambda tile: _draw_whole(model, contract, tile),
        report,
        scale=1,
        overlap_px=contract.overlap_px,
        area_px=TILE_BUDGET_BYTES // contract.bytes_per_px,
        doing=msg("drawing with {model}", model=model.spec.title),
    )


def _draw_whole(model: Model, contract: StyleContract, pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    name = contract.input_name or model.runtime.input_names[0]
    padded = pad(
        pixels, contract.multiple, least_px=contract.least_side_px, border=contract.padding
    )
    answer = model.runtime.run({name: _feed(contract, padded)})[contract.output_index]
    return _read(contract, answer)[:height, :width]


def _feed(contract: StyleContract, pixels: Pixels) -> Floats:
    """What the network takes, ``float32``, in its layout."""
    levels = to_levels(contract, pixels)
    if contract.layout == "nchw":
        levels = levels.transpose(2, 0, 1)
    if contract.layout != "hwc":
        levels = levels[np.newaxis]
    return np.ascontiguousarray(levels, np.float32)


def _read(contract: StyleContract, answer: Array) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` from the network's answer."""
    if contract.layout != "hwc":
        answer = answer[0]
    if contract.layout == "nchw":
        answer = answer.transpose(1, 2, 0)
    return to_pixels(contract, answer)
