"""Graphite on paper, drawn at full size without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from studio.faces.topology import OVAL
from studio.tools.cartoon.features import Features, outlines_mask
from studio.tools.cartoon.filters import Floats, blurred, clipped, mixed, to_lab, to_pixels
from studio.tools.cartoon.lines import Pen, draw_lines
from studio.tools.cartoon.paper import Textures

_PAPER = np.array([0.985, 0.975, 0.955], np.float32)
_GRAPHITE = np.array([0.15, 0.15, 0.16], np.float32)
_FINE = Pen(width_px=0.9, length_px=4, flow_px=2.2, threshold=-0.0015, hardness=70)
_BROAD = Pen(width_px=1.8, length_px=6, flow_px=3, threshold=-0.004, hardness=60)
_FACE_LIGHTNESS = 0.84
_LEAST_SPAN = 0.25
"""From darkest to lightest of a picture that has enough contrast to be stretched in full."""
_FIRST_HATCH, _SECOND_HATCH, _TOOTH = 11, 12, 20


def draw_sketch(
    rgb: Floats,
    scale: float,
    faces: Sequence[Features],
    textures: Textures,
    progress: Callable[[float], None],
) -> Floats:
    """RGB ``float32 (H, W, 3)``, 0 to 255: contours, soft tone and two layers of hatching.

    Args:
        rgb: the photograph.
        scale: of the picture, 1 where its long side is 1024 px.
        faces: in its px; they are kept light.
        textures: of the picture's size.
        progress: told the part that is done, 0 to 1.

    """
    light = _lightness(rgb, faces)
    progress(0.2)
    fine = draw_lines(blurred(light, max(0.6 * scale, 0.3)), _FINE.scaled(scale))
    progress(0.5)
    broad = draw_lines(blurred(light, 1.2 * scale), _BROAD.scaled(scale))
    progress(0.7)
    tooth = textures.grain(_TOOTH)
    lines = np.clip(0.85 * fine + 0.6 * broad, 0, 1) * np.clip(0.82 + 0.16 * tooth, 0, 1)
    tone = _tone(light, scale, textures) * (1 - 0.82 * lines)
    tone *= 1 - 0.035 * np.clip(tooth, -1.5, 1.5) * (1 - 0.75 * tone)
    progress(0.9)
    covered = np.ones_like(rgb) * _PAPER
    return mixed(covered, _GRAPHITE, 1 - np.clip(tone, 0.04, 1)) * 255


def _lightness(rgb: Floats, faces: Sequence[Features]) -> Floats:
    """0 to 1, stretched towards the whole range, and with light faces."""
    pixels = to_pixels(rgb)
    for _ in range(2):
        pixels = np.asarray(cv2.bilateralFilter(pixels, 7, 16, 4), np.uint8)
    light = np.ascontiguousarray(to_lab(pixels)[..., 0]) * np.float32(0.01)
    light = _stretched(light)
    is_face = outlines_mask(rgb.shape, faces, (OVAL,), 0.02) > 0.5
    if is_face.any():
        median = float(np.clip(np.median(light[is_face]), 0.2, 0.95))
        gamma = float(np.clip(np.log(_FACE_LIGHTNESS) / np.log(median), 0.5, 1.2))
        light **= np.float32(1 + (gamma - 1) * 0.8)
    return light


def _stretched(light: Floats) -> Floats:
    """``light`` over the whole range, 0 to 1; a plain page, white or dark, keeps its lightness."""
    darkest, lightest = np.percentile(light, (1, 99))
    share = min((lightest - darkest) / _LEAST_SPAN, 1.0)
    plain = (darkest + lightest) / 2 * (1 - _LEAST_SPAN)
    low = share * darkest + (1 - share) * plain
    return clipped((light - np.float32(low)) / np.float32(max(lightest - darkest, _LEAST_SPAN)))


def _tone(light: Floats, scale: float, textures: Textures) -> Floats:
    """How light the paper stays under the graphite, 0 to 1: wash, hatching, dodge."""
    smooth = blurred(light, 1.5 * scale)
    wash = 1 - 0.60 * (1 - clipped(smooth * 1.18) ** np.float32(0.7))
    first = np.clip(0.5 + 0.5 * textures.hatching(48, 27, _FIRST_HATCH), 0, 1.2)
    second = np.clip(0.5 + 0.5 * textures.hatching(-35, 23, _SECOND_HATCH), 0, 1.2)
    wash *= 1 - 0.16 * first * np.clip((0.70 - smooth) / 0.70, 0, 1)
    wash *= 1 - 0.22 * second * np.clip((0.42 - smooth) / 0.42, 0, 1)
    dodge = clipped(light / np.maximum(1 - blurred(1 - light, 9 * scale), 0.05))
    return wash * (0.45 + 0.55 * dodge)
