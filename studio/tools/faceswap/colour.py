"""Colour transfer: the source's skin takes on the target's skin colour and light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.models.runtime import Floats
from studio.tools.faceswap.mask import FaceAreas, surely_skin
from studio.tools.faceswap.polygons import shrink, soften

_LEAST_GAIN = np.array([0.75, 0.6, 0.6], np.float32)
_MOST_GAIN = np.array([1.3, 1.05, 1.05], np.float32)
_REDUCED_SIGMA_PX = 4.0
"""Wide averages are taken on a picture so much smaller that this sigma remains."""
_SHADED, _PAINTED = 0.85, 0.7
"""Lightness over that of the skin, where what does not look like it begins to be paint and is."""
_PALE_L, _BLOWN_L = 86.0, 92.0
"""Where a highlight begins to lose its colour, and where it has."""


@dataclass(frozen=True, slots=True)
class _Light:
    """One scale at which light is taken over.

    Attributes:
        sigma: as a part of the eye distance.
        shares: of the difference, for L, a and b.
        trusted_from: share of skin around a pixel from which its average is trusted.

    """

    sigma: float
    shares: tuple[float, float, float]
    trusted_from: float


_LIGHTS = (
    _Light(0.22, (0.75, 0.6, 0.6), 0.25),
    _Light(0.09, (0.25, 0.85, 0.85), 0.3),
    _Light(0.04, (0.0, 0.8, 0.8), 0.4),
)
"""Broad light and shade, the tint of smaller lights, and what coloured lamps left on a nose."""


def to_lab(pixels: Floats) -> Floats:
    """CIE Lab, L 0 to 100, from RGB ``float32 (h, w, 3)`` 0 to 255."""
    return np.asarray(cv2.cvtColor(pixels / np.float32(255), cv2.COLOR_RGB2Lab), np.float32)


def to_rgb(lab: Floats) -> Floats:
    """RGB ``float32 (h, w, 3)`` 0 to 255 from CIE Lab."""
    return np.asarray(np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB) * 255, 0, 255), np.float32)


def match_colour(
    source: Floats, target: Floats, areas: FaceAreas, target_skin: Floats, eyes_px: float
) -> tuple[Floats, float]:
    """Give the source's skin the target's colour and light, features and occluders aside.

    First the mean and spread of each channel (Reinhard et al., "Color transfer between
    images", 2001), then what differs at two coarse scales: half-lit faces and coloured lights.

    Args:
        source: the warped source, Lab ``float32 (h, w, 3)``.
        target: Lab.
        areas: of the patch.
        target_skin: likeness to the target's own skin, ``float32 (h, w)`` 0 to 1.
        eyes_px: the eye distance in the patch.

    Returns:
        Lab, and the gain of the lightness.

    """
    judged = areas.bare * np.minimum(areas.skin, target_skin) + np.float32(1e-6)
    judged = judged[..., np.newaxis]
    judged = judged / judged.sum()
    target_mean, target_spread = _moments(target, judged)
    source_mean, source_spread = _moments(source, judged)
    gain = np.clip(target_spread / (source_spread + 1e-3), _LEAST_GAIN, _MOST_GAIN)
    matched = np.asarray((source - source_mean) * gain + target_mean, np.float32)
    # Light tints in proportion: dark irises and lashes would turn blue or green by what makes
    # skin paler. What makes skin warmer suits them.
    lightness = np.clip(source[..., 0] / (source_mean[0] + 1e-3), 0, 1)
    cooled = (1 - areas.eyes * (1 - lightness))[..., np.newaxis]
    change = (matched - source)[..., 1:]
    matched[..., 1:] = source[..., 1:] + np.where(change < 0, change * cooled, change)
    lit = (areas.bare * np.maximum(areas.skin, areas.inner))[..., np.newaxis]
    lit = lit * _telling_of_light(target, target_skin, target_mean[0], eyes_px)
    for light in _LIGHTS:
        matched = _take_light(matched, target, lit, light, eyes_px)
    np.clip(matched[..., 0], 0, 100, out=matched[..., 0])
    return matched, float(gain[0])


def _moments(lab: Floats, weights: Floats) -> tuple[Floats, Floats]:
    mean = (lab * weights).sum(axis=(0, 1))
    spread = np.sqrt(((lab - mean) ** 2 * weights).sum(axis=(0, 1)))
    return mean.astype(np.float32), spread.astype(np.float32)


def _telling_of_light(
    target: Floats, skin: Floats, skin_lightness: np.float32, eyes_px: float
) -> Floats:
    """Where the target's colours are those of the light on it, ``float32 (h, w, 3)``, 0 to 1.

    Dark paint tells nothing: as light it would make the skin around it grey. Skin in a coloured
    light is not darker, however little it looks like skin. Of a highlight only the lightness
    tells.
    """
    lightness = soften(target[..., 0], 0.02 * eyes_px)
    depth = (_SHADED - lightness / (skin_lightness + 1e-3)) / (_SHADED - _PAINTED)
    bare = 1 - np.clip(depth, 0, 1) * (1 - surely_skin(skin))
    tinted = np.clip((_BLOWN_L - lightness) / (_BLOWN_L - _PALE_L), 0, 1)
    tint = np.minimum(bare, tinted)
    return shrink(np.dstack([bare, tint, tint]).astype(np.float32), 0.04 * eyes_px)


def _take_light(
    source: Floats, target: Floats, weights: Floats, light: _Light, eyes_px: float
) -> Floats:
    """Add the difference of the averages around each pixel where there is skin to average."""
    sigma_px = light.sigma * eyes_px
    factor = max(sigma_px / _REDUCED_SIGMA_PX, 1.0)
    height, width = weights.shape[:2]
    size = (max(2, round(width / factor)), max(2, round(height / factor)))
    small = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    weighted = cv2.resize((target - source) * weights, size, interpolation=cv2.INTER_AREA)
    share = cv2.GaussianBlur(small, (0, 0), sigma_px / factor)
    difference = cv2.GaussianBlur(weighted, (0, 0), sigma_px / factor) / (share + 1e-4)
    trusted = np.clip(share / light.trusted_from, 0, 1)
    change = difference * trusted * np.array(light.shares, np.float32)
    full = cv2.resize(change.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(source + full, np.float32)
