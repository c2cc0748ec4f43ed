"""Finding the subject: a picture in, a soft mask out, as the model's contract says."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import MattingContract, Resample
from studio.models.guard import enough_memory, require_contract
from studio.models.runtime import Array, Floats
from studio.words import msg

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_FLAT = 1e-6


def predict_alpha(model: Model, pixels: Pixels) -> Pixels:
    """The opacity of the subject, by a network whose contract is ``MattingContract``.

    Args:
        model: opened by the cache.
        pixels: RGB ``uint8 (H, W, 3)``.

    Returns:
        ``uint8 (H, W)``, 255 = subject. A mask that is the same everywhere stays as it is.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no matting network.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, MattingContract)
    name = contract.input_name or model.runtime.input_names[0]
    with enough_memory(msg("a picture of this size with {model}", model=model.spec.title)):
        outputs = model.runtime.run({name: network_input(contract, pixels)})
        return _alpha(contract, outputs[contract.output_index], pixels.shape[1], pixels.shape[0])


def network_size(contract: MattingContract, width_px: int, height_px: int) -> tuple[int, int]:
    """Width and height in px at which a picture of this size is shown to the network."""
    if contract.size_px is not None or contract.short_side_px is None:
        return contract.size_px or (width_px, height_px)
    short, long = sorted((width_px, height_px))
    target = contract.short_side_px
    if target <= long and short <= target:
        target = short
    multiple = contract.multiple
    width, height = (
        max(multiple, side * target // short // multiple * multiple)
        for side in (width_px, height_px)
    )
    return width, height


def network_input(contract: MattingContract, pixels: Pixels) -> Floats:
    """``float32 (1, 3, h, w)`` as the network wants it, from RGB ``uint8 (H, W, 3)``."""
    size = network_size(contract, pixels.shape[1], pixels.shape[0])
    pixels = _resized(pixels, size, contract.resample)
    divisor = max(int(pixels.max()), 1) if contract.divide_by == "max" else contract.divide_by
    planes = np.empty((1, 3, size[1], size[0]), np.float32)
    for plane, levels, mean, std in zip(
        planes[0], cv2.split(pixels), contract.mean, contract.std, strict=True
    ):
        # One multiplication and one addition a channel, straight into its plane.
        np.multiply(levels, np.float32(1 / (divisor * std)), out=plane)
        plane -= np.float32(mean / std)
    return planes


def _alpha(contract: MattingContract, output: Array, width_px: int, height_px: int) -> Pixels:
    """``uint8 (height_px, width_px)`` from the network's answer ``(1, channels, h, w)``."""
    matte: Floats = np.ascontiguousarray(output[0, 0], np.float32)
    if contract.sigmoid:
        # The sigmoid in the form that cannot overflow.
        matte = np.asarray(np.exp(-np.logaddexp(0, -matte)), np.float32)
    low, high = float(matte.min()), float(matte.max())
    if not contract.min_max or high - low < _FLAT:
        low, high = 0.0, 1.0
    scale = 255 / (high - low)
    matte = matte * scale
    matte += 0.5 - low * scale
    # Before the resize: a filter that overshoots would widen the span that is stretched.
    levels = np.clip(matte, 0, 255, out=matte).astype(np.uint8)
    return _resized(levels, (width_px, height_px), contract.resample)


def _resized(pixels: Pixels, size: tuple[int, int], how: Resample) -> Pixels:
    """``uint8 (H, W, 3)`` or ``(H, W)`` at ``size``, width first."""
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    if how == "area":
        # The one filter that Pillow has another idea of: it repeats pixels when it enlarges.
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # Pillow widens its filters when it shrinks; cv2 would alias.
    return np.asarray(Image.fromarray(pixels).resize(size, _FILTERS[how]))
