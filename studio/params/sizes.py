"""Sizes of pictures, as arithmetic."""

from __future__ import annotations

SLIGHT_RATIO = 1.25
"""Up to here interpolation shows no blur that a network would be worth its seconds and memory for:
it would enlarge by 2, to be made smaller again."""


def megapixels(width_px: int, height_px: int) -> float:
    """Millions of pixels."""
    return width_px * height_px / 1e6


def fit_long_side(width_px: int, height_px: int, long_side_px: int | None) -> tuple[int, int]:
    """Width and height with the longer one as given, smaller or larger; None keeps both."""
    if long_side_px is None:
        return width_px, height_px
    ratio = long_side_px / max(width_px, height_px)
    return max(round(width_px * ratio), 1), max(round(height_px * ratio), 1)
