"""What each look adds at full size: ink, halftone, glow."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from studio.tools.cartoon.filters import Floats, blurred, clipped, grid, mixed, to_lab, to_rgb
from studio.tools.cartoon.lines import Pen, draw_lines

_ANIME_INK = np.array([48, 22, 40], np.float32)
_ANIME_PEN = Pen(width_px=1.0, length_px=4, flow_px=2.5, threshold=-0.006, hardness=60)
_ANIME_INK_OPACITY = 0.42
_COMIC_INK = np.array([14, 12, 18], np.float32)
_COMIC_PEN = Pen(width_px=1.5, length_px=6, flow_px=3, threshold=-0.002, hardness=90)
_COMIC_INK_OPACITY = 0.92
_DOT_PITCH_PX = 6.5
_DOT_LIGHTNESS = (0.08, 0.52)
"""Black stays solid, and paper starts."""
_DOT_OPACITY = 0.22
_GLOW_FROM = 175


def finish_anime(rgb: Floats, scale: float) -> Floats:
    """Thin warm ink and a soft glow of the light parts.

    Args:
        rgb: ``float32 (H, W, 3)``, 0 to 255.
        scale: of the picture, 1 where its long side is 1024 px; so for all finishes.

    """
    light = blurred(_light(rgb), 0.6 * scale + 0.2)
    ink = draw_lines(light, _ANIME_PEN.scaled(scale)) * np.float32(_ANIME_INK_OPACITY)
    drawn = mixed(rgb, _ANIME_INK, ink)
    glow = blurred(drawn, 14 * scale)
    screened = 255 - (255 - drawn) * (255 - glow) / 255
    return mixed(drawn, screened, 0.12)


def finish_comic(rgb: Floats, scale: float) -> Floats:
    """Black ink, and dots of a halftone screen in the shadows."""
    light = _light(rgb)
    dots = _halftone(blurred(light, 2 * scale), _DOT_PITCH_PX * scale)
    ink = draw_lines(blurred(light, 0.5 * scale + 0.2), _COMIC_PEN.scaled(scale))
    toned = rgb * (1 - _DOT_OPACITY * dots)[..., np.newaxis]
    return mixed(toned, _COMIC_INK, ink * np.float32(_COMIC_INK_OPACITY))


def finish_3d(rgb: Floats, scale: float) -> Floats:
    """Rounder forms by local contrast, and bloom of the highlights."""
    lab = to_lab(rgb)
    light = lab[..., 0]
    lab[..., 0] = np.clip(light + (light - blurred(light, 20 * scale)) * np.float32(0.15), 0, 100)
    shaped = to_rgb(lab)
    bloom = blurred(np.clip(shaped - _GLOW_FROM, 0, 255), 10 * scale)
    return shaped + bloom * np.float32(0.14)


def _halftone(light: Floats, pitch_px: float) -> Floats:
    """Dots at 45 degrees that grow with darkness, ``float32 (H, W)``."""
    x, y = grid(*light.shape)
    turn = np.float32(sqrt(0.5) * 2 * pi / pitch_px)
    screen = (np.cos((x + y) * turn) + np.cos((y - x) * turn)) / 2
    solid, paper = _DOT_LIGHTNESS
    cover = clipped((paper - light) / paper) * 0.9
    dots = 1 / (1 + np.exp((screen - (2 * cover - 1)) * 9))
    return np.asarray(dots * (light > solid), np.float32) * clipped((paper - light) * 12)


def _light(rgb: Floats) -> Floats:
    """Lightness, 0 to 1."""
    return np.ascontiguousarray(to_lab(rgb)[..., 0]) * np.float32(0.01)
