"""Wet paint on paper: the finish of the hand-drawn look."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from studio.faces.topology import OVAL
from studio.tools.cartoon.features import Features, outlines_mask
from studio.tools.cartoon.filters import (
    Floats,
    blurred,
    clipped,
    grid,
    mixed,
    ramp,
    sampled,
    to_lab,
)
from studio.tools.cartoon.lines import Pen, draw_lines
from studio.tools.cartoon.paper import Textures

_PAPER = np.array([0.975, 0.965, 0.93], np.float32)
_PENCIL = np.array([0.28, 0.24, 0.30], np.float32)
_PEN = Pen(width_px=1.1, length_px=4, flow_px=2.5, threshold=-0.003, hardness=45)
_PEN_OPACITY = 0.55
_WOBBLE_PX = 1.3
_BORDER_RATIO = 0.04
"""Mean width of the bare border, as part of the short side."""

# Each texture draws from a stream of its own.
_WOBBLE_X, _WOBBLE_Y, _CLOUDS, _MOTTLES, _EDGE, _SWEEP, _TOOTH = 1, 2, 3, 4, 5, 6, 20


def finish_handdrawn(
    rgb: Floats,
    scale: float,
    faces: Sequence[Features],
    textures: Textures,
    progress: Callable[[float], None],
) -> Floats:
    """Washes whose pigment gathers at edges, pencil lines, and a ragged border of bare paper.

    The pigment model is that of Bousseau et al., Interactive Watercolor Rendering with
    Temporal Coherence and Abstraction, 2006.

    Args:
        rgb: ``float32 (H, W, 3)``, 0 to 255.
        scale: of the picture, 1 where its long side is 1024 px.
        faces: in its px; they wobble less, and the border leaves their heads whole.
        textures: of the picture's size.
        progress: told the part that is done, 0 to 1.

    """
    oval = outlines_mask(rgb.shape, faces, (OVAL,), 0.1)
    light = np.ascontiguousarray(to_lab(rgb)[..., 0]) * np.float32(0.01)
    tooth = textures.grain(_TOOTH)
    wet = _wobbled(rgb, oval, scale, textures) * np.float32(1 / 255)
    density = _density(light, oval, tooth, scale, textures)
    wet -= (wet - wet * wet) * (density - 1)[..., np.newaxis]
    progress(0.4)
    wet = 1 - (1 - wet) * np.float32(0.95)
    pencil = draw_lines(blurred(light, max(0.8 * scale, 0.3)), _PEN.scaled(scale))
    pencil *= clipped(0.72 + 0.22 * tooth) * np.float32(_PEN_OPACITY)
    wet = mixed(wet, _PENCIL, pencil)
    progress(0.7)
    paper = _PAPER * (1 + np.float32(0.012) * tooth)[..., np.newaxis]
    painted = _painted(rgb.shape, faces, textures)
    return mixed(paper, wet * paper / _PAPER.max(), painted) * 255


def _wobbled(rgb: Floats, oval: Floats, scale: float, textures: Textures) -> Floats:
    """Outlines as an unsteady hand leaves them."""
    x, y = grid(*rgb.shape[:2])
    reach = (1 - 0.85 * oval) * np.float32(_WOBBLE_PX * scale)
    x += textures.clouds(6, _WOBBLE_X) * reach
    y += textures.clouds(6, _WOBBLE_Y) * reach
    return sampled(rgb, x, y)


def _density(
    light: Floats, oval: Floats, tooth: Floats, scale: float, textures: Textures
) -> Floats:
    """Pigment on the paper, about 1: clouds of water, grain, and rims where a wash dried."""
    clouds = textures.clouds(40, _CLOUDS) * 0.5 + textures.clouds(14, _MOTTLES) * 0.35
    smooth = blurred(light, max(2.2 * scale, 0.5))
    x = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), np.float32)
    y = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1), np.float32)
    rims = clipped(np.hypot(x, y) * np.float32(3 * scale))
    density: Floats = 1 + 0.20 * clouds * (1 - 0.6 * oval) + 0.03 * tooth + 0.55 * rims
    return density


def _painted(shape: tuple[int, ...], faces: Sequence[Features], textures: Textures) -> Floats:
    """1 where there is paint, 0 on the border of bare paper; heads are never cut."""
    height, width = shape[:2]
    x, y = grid(height, width)
    inwards = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    inwards = inwards / np.float32(min(height, width) * _BORDER_RATIO)
    inwards += textures.clouds(16, _EDGE) * 0.10 + textures.clouds(70, _SWEEP) * 0.30
    painted = ramp(inwards, 0.30, 0.52)
    for face in faces:
        np.maximum(painted, _head(x, y, face), out=painted)
    return painted


def _head(x: Floats, y: Floats, face: Features) -> Floats:
    """A soft ellipse round the head with its hair."""
    oval = face.outline(OVAL)
    half = (oval.max(axis=0) - oval.min(axis=0)) / 2
    centre = (oval.max(axis=0) + oval.min(axis=0)) / 2
    centre = centre - np.array([0, 0.25], np.float32) * half
    away = np.hypot((x - centre[0]) / (half[0] * 1.5), (y - centre[1]) / (half[1] * 1.6))
    return 1 - ramp(away, 0.9, 1.15)
