"""Pictures of one tone: grey ones, and toned ones such as sepia, whose colour follows lightness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.imaging.picture import Pixels

_Floats = npt.NDArray[np.floating[Any]]

_STRAY_LEVELS = 24
"""How far a single pixel may be off the tone: noise of a scanner, blocks of a JPEG."""
_CAST_LEVELS = 4.0
"""How far 5 x 5 px may be off it together; more is a colour of its own, however small."""
_REDUCED_SIDE_PX = 512
"""Nearly every picture with colours shows them when it is this small."""
_NEAR_SIGMA_LEVELS = 6.0
"""Neighbouring levels of lightness have much the same tone."""


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """The one colour that a picture has at each lightness.

    Attributes:
        colours: RGB ``uint8 (256, 1, 3)``, by luma (ITU-R BT.601).

    """

    colours: Pixels

    def applied(self, pixels: Pixels) -> Pixels:
        """RGB ``uint8 (H, W, 3)`` as light as ``pixels``, in this tone."""
        return np.asarray(cv2.LUT(without_colour(pixels), self.colours), dtype=np.uint8)

    def applied_where_changed(self, pixels: Pixels, before: Pixels) -> Pixels:
        """``pixels`` in this tone wherever they differ from ``before``, of the same size."""
        is_changed = (pixels != before).any(axis=2, keepdims=True)
        return np.where(is_changed, self.applied(pixels), pixels)


def find_tone(pixels: Pixels) -> Tone | None:
    """The tone of RGB ``uint8 (H, W, 3)`` that is grey, nearly grey or toned.

    None when it has any colour of its own, if only in a small part.
    """
    if is_grey(pixels):
        return Tone(_shades())
    if _has_colours(_reduced(pixels), _fitted(_reduced(pixels))):
        return None
    tone = _fitted(pixels)
    return None if _has_colours(pixels, tone) else tone


def is_grey(pixels: Pixels) -> bool:
    """Whether RGB ``uint8 (H, W, 3)`` has no colour: three equal channels everywhere."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


def without_colour(pixels: Pixels) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with its luma (ITU-R BT.601) in all channels; grey stays as it is."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _shades() -> Pixels:
    return np.arange(256, dtype=np.uint8).reshape(256, 1, 1).repeat(3, axis=2)


def _reduced(pixels: Pixels) -> Pixels:
    factor = max(pixels.shape) / _REDUCED_SIDE_PX
    if factor <= 1:
        return pixels
    size = (max(round(pixels.shape[1] / factor), 1), max(round(pixels.shape[0] / factor), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _fitted(pixels: Pixels) -> Tone:
    """The mean colour at each lightness, and that of the nearest ones where there is none."""
    luma = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)).ravel()
    counts = np.bincount(luma, minlength=256)
    planes = []
    for channel in range(3):
        sums = np.bincount(luma, weights=pixels[..., channel].ravel(), minlength=256)
        tint = np.stack([sums - counts * np.arange(256), counts]).astype(np.float64)
        near = cv2.GaussianBlur(tint, (0, 0), sigmaX=_NEAR_SIGMA_LEVELS, sigmaY=1e-3)
        known = np.flatnonzero(counts)
        planes.append(np.interp(np.arange(256), known, near[0, known] / near[1, known]))
    colours = _shades()[:, 0] + np.stack(planes, axis=1)
    return Tone(np.clip(np.rint(colours), 0, 255).astype(np.uint8).reshape(256, 1, 3))


def _has_colours(pixels: Pixels, tone: Tone) -> bool:
    """Whether anything is off the tone by more than noise is."""
    off = np.subtract(pixels, tone.applied(pixels), dtype=np.int16)
    if max(int(off.max()), -int(off.min())) > _STRAY_LEVELS:
        return True
    together = cv2.blur(off, (5, 5), borderType=cv2.BORDER_REFLECT).astype(np.float32)
    return bool(np.abs(together).max() > _CAST_LEVELS)
