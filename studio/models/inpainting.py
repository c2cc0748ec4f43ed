"""Inpainting by a network such as LaMa or MI-GAN, as its contract in the catalogue says."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import InpaintContract
from studio.models.guard import enough_memory, require_contract
from studio.models.levels import in_order, to_levels, to_pixels
from studio.models.padding import pad
from studio.models.runtime import Array
from studio.models.tiling import TILE_BUDGET_BYTES
from studio.words import msg


def working_size(contract: InpaintContract, width_px: int, height_px: int) -> tuple[int, int]:
    """Width and height in pixels at which a network inpaints a crop of this size.

    Its own, or as much less as the network's fixed side (``size_px``) or the budget of memory for
    one call (``TILE_BUDGET_BYTES``) asks for; at least 1 a side, sides in proportion.
    """
    if contract.size_px is not None:
        ratio = contract.size_px / max(width_px, height_px)
    else:
        area_px = TILE_BUDGET_BYTES // contract.bytes_per_px
        ratio = (area_px / (width_px * height_px)) ** 0.5
    ratio = min(ratio, 1.0)
    return max(round(width_px * ratio), 1), max(round(height_px * ratio), 1)


def repaint(model: Model, pixels: Pixels, hole: Pixels) -> Pixels:
    """Inpaint a hole by a network; returns RGB ``uint8 (H, W, 3)``, outside the hole as given.

    Where the picture is larger than the network takes, the hole is filled at a reduced size and
    enlarged: hand in the surroundings of a hole, not a whole photograph.

    Args:
        model: opened by the cache.
        pixels: RGB ``uint8 (H, W, 3)``; what it shows in the hole is not looked at by networks
            that hide it, and decides nothing in those that do not.
        hole: ``uint8 (H, W)``, 255 = hole; everything above 0 is filled wholly.

    Raises:
        ModelUnavailableError: ``model.unsupported``.
        JobCancelledError: the cache was interrupted meanwhile.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, InpaintContract)
    is_hole = hole > 0
    if not is_hole.any():
        return pixels.copy()
    with enough_memory(msg("filling with {model}", model=model.spec.title)):
        painted = _paint(model, contract, pixels, is_hole)
    return np.where(is_hole[..., np.newaxis], painted, pixels)


def _paint(
    model: Model, contract: InpaintContract, pixels: Pixels, is_hole: np.typing.NDArray[np.bool_]
) -> Pixels:
    """``pixels`` with the hole filled, at its own size; the rest as far as resizing keeps it."""
    height, width = pixels.shape[:2]
    size = working_size(contract, width, height)
    if size == (width, height):
        return _paint_small(model, contract, pixels, is_hole)
    # Averaging mixes the hole into its rim; every pixel that has a share of it is hole as well.
    shares = cv2.resize(is_hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    painted = _paint_small(model, contract, small, shares > 0)
    return np.asarray(
        cv2.resize(painted, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8
    )


def _paint_small(
    model: Model, contract: InpaintContract, pixels: Pixels, is_hole: np.typing.NDArray[np.bool_]
) -> Pixels:
    height, width = pixels.shape[:2]
    mask = _grow(is_hole.astype(np.uint8), contract.rim_px)
    multiple, least_px = contract.size_px or contract.multiple, contract.least_side_px
    padded, grown = (pad(levels, multiple, least_px=least_px) for levels in (pixels, mask))
    answer = model.runtime.run(_feed(model, contract, padded, grown > 0))[0]
    painted = to_pixels(contract, answer[0].transpose(1, 2, 0))[:height, :width]
    # Before it is enlarged: the network's rendering of the surroundings is not the surroundings.
    return np.where(is_hole[..., np.newaxis], painted, pixels)


def _grow(mask: Pixels, by_px: int) -> Pixels:
    side_px = 2 * by_px + 1
    return np.asarray(cv2.dilate(mask, np.ones((side_px, side_px), np.uint8)), np.uint8)


def _feed(
    model: Model, contract: InpaintContract, pixels: Pixels, is_hole: np.typing.NDArray[np.bool_]
) -> dict[str, Array]:
    """What the network takes, by input name."""
    names = model.runtime.input_names
    image = _image(contract, pixels)
    mask = np.where(is_hole, contract.hole_value, contract.kept_value)[np.newaxis, np.newaxis]
    image_name = contract.image_name or names[0]
    if contract.is_stacked:
        shown = np.where(is_hole, np.float32(0), image)
        return {image_name: np.concatenate([mask.astype(np.float32), shown], axis=1)}
    mask_name = contract.mask_name or names[1]
    return {image_name: image, mask_name: mask.astype(contract.mask_dtype)}


def _image(contract: InpaintContract, pixels: Pixels) -> Array:
    """``(1, 3, H, W)`` in the network's numbers."""
    is_whole = contract.dtype == "uint8"
    levels = in_order(contract, pixels) if is_whole else to_levels(contract, pixels)
    return np.ascontiguousarray(levels.transpose(2, 0, 1)[np.newaxis])
