"""Pictures in the numbers that a network's contract asks for, and back."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.contracts import InpaintContract, StyleContract, Triple
from studio.models.runtime import Array, Floats


def to_levels(contract: StyleContract | InpaintContract, pixels: Pixels) -> Floats:
    """``(x / divide_by - mean) / std`` in the network's order of channels.

    Args:
        contract: of the network.
        pixels: RGB ``uint8 (H, W, 3)``.

    Returns:
        ``float32 (H, W, 3)``.

    """
    levels = in_order(contract, pixels).astype(np.float32) / np.float32(contract.divide_by)
    return (levels - _row(contract.mean)) / _row(contract.std)


def to_pixels(contract: StyleContract | InpaintContract, levels: Array) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` from the network's answer ``(H, W, 3)``, clipped and rounded."""
    mean = _row(contract.output_mean or contract.mean)
    std = _row(contract.output_std or contract.std)
    divide_by = np.float32(contract.output_divide_by or contract.divide_by)
    levels = (levels * std + mean) * divide_by
    pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(in_order(contract, pixels))


def in_order(contract: StyleContract | InpaintContract, pixels: Pixels) -> Pixels:
    """RGB ``(H, W, 3)`` in the network's order of channels, or that in RGB."""
    return pixels if contract.colour == "rgb" else pixels[..., ::-1]


def _row(values: Triple) -> Floats:
    return np.array(values, np.float32)
