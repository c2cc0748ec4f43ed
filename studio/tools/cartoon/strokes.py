"""Pen strokes along eyelids, mouth and jaw, drawn on the small picture."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from studio.faces.face import Points
from studio.tools.cartoon.features import (
    JAW,
    MOUTH_LINE,
    NOSE_BASE,
    UPPER_LIDS,
    Features,
)
from studio.tools.cartoon.filters import Floats, mixed
from studio.tools.cartoon.recipes import Recipe

_INK = np.array([40, 26, 34], np.float32)
_LID_WIDTH, _LINE_WIDTH = 0.030, 0.014
"""In sizes of the face."""
_WING = 0.025
_MOUTH_OPACITY = 0.55
_MOST_YAW = 0.8
_SMALLEST_FACE_PX = 16.0
_OVERSAMPLING = 4
_STEPS = 40
_TAPER_SHARE = 0.3
"""Part of a stroke over which it swells, and over which it thins out."""


def draw_strokes(rgb: Floats, faces: Iterable[Features], recipe: Recipe) -> Floats:
    """``rgb`` with the lines a pen would add; shut eyes get no lashes.

    Args:
        rgb: ``float32 (H, W, 3)``, 0 to 255; not changed.
        faces: in its px; small and turned ones are passed over.
        recipe: opacities.

    """
    ink = np.zeros(rgb.shape[:2], np.float32)
    for face in faces:
        if face.yaw <= _MOST_YAW and face.size_px >= _SMALLEST_FACE_PX:
            _draw_face(ink, face, recipe)
    return mixed(rgb, np.broadcast_to(_INK, rgb.shape), ink * np.float32(recipe.strokes))


def _draw_face(ink: Floats, face: Features, recipe: Recipe) -> None:
    size_px = face.size_px
    for index in face.open_eyes():
        lid = face.outline(UPPER_LIDS[index]).copy()
        across = lid[0] - lid[-1]
        lid[0] += across / (np.linalg.norm(across) + 1e-6) * (_WING * size_px)
        _stroke(ink, lid, _LID_WIDTH * size_px, thin=(0.55, 0.35))
    if recipe.jaw:
        width_px = _LINE_WIDTH * size_px
        _stroke(ink, face.outline(MOUTH_LINE), width_px, thin=(0.4, 0.4), opacity=_MOUTH_OPACITY)
        nose = face.outline(NOSE_BASE)
        _stroke(ink, nose, width_px, thin=(0.2, 0.2), opacity=recipe.jaw)
        _stroke(ink, face.outline(JAW), width_px, thin=(0.15, 0.15), opacity=recipe.jaw)


def _stroke(
    ink: Floats, line: Points, width_px: float, *, thin: tuple[float, float], opacity: float = 1.0
) -> None:
    """Draw a line that swells and thins into ``ink``, in place.

    ``thin`` is its width at the start and at the end, as parts of ``width_px``.
    """
    path = _smooth_path(line)
    low = np.floor(path.min(axis=0) - 2 * width_px - 2).astype(int)
    high = np.ceil(path.max(axis=0) + 2 * width_px + 2).astype(int)
    width, height = high - low
    canvas = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING), np.uint8)
    points = ((path - low) * _OVERSAMPLING).astype(int)
    parts = np.linspace(0, 1, len(path))
    for part, start, stop in zip(parts, points[:-1], points[1:], strict=False):
        thickness_px = round(width_px * _OVERSAMPLING * _swell(float(part), thin))
        cv2.line(canvas, start.tolist(), stop.tolist(), 255, max(1, thickness_px), cv2.LINE_AA)
    drawn = cv2.resize(canvas, (int(width), int(height)), interpolation=cv2.INTER_AREA)
    _paste_darker(ink, np.asarray(drawn, np.float32) * np.float32(opacity / 255), low)


def _smooth_path(line: Points) -> Points:
    """The line in even steps, without the mesh's corners."""
    at = np.linspace(0, 1, _STEPS)
    knots = np.linspace(0, 1, len(line))
    window = np.hanning(7) / np.hanning(7).sum()
    path = [np.interp(at, knots, line[:, axis]) for axis in (0, 1)]
    return np.stack([np.convolve(np.pad(side, 3, "edge"), window, "valid") for side in path], 1)


def _swell(part: float, thin: tuple[float, float]) -> float:
    start = thin[0] + (1 - thin[0]) * min(part / _TAPER_SHARE, 1)
    stop = thin[1] + (1 - thin[1]) * min((1 - part) / _TAPER_SHARE, 1)
    return min(start, stop)


def _paste_darker(ink: Floats, drawn: Floats, low: Points) -> None:
    """Put ``drawn`` with its corner at ``low`` into ``ink`` where it has more."""
    height, width = ink.shape
    left, top = (int(value) for value in low)
    rows = slice(max(top, 0), min(top + drawn.shape[0], height))
    columns = slice(max(left, 0), min(left + drawn.shape[1], width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    view = ink[rows, columns]
    np.maximum(
        view,
        drawn[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left],
        out=view,
    )
