"""Larger eyes before drawing, and lights in them after it; shut eyes are left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from studio.faces.face import Points
from studio.tools.cartoon.features import EYES, Features, polygon_mask
from studio.tools.cartoon.filters import Floats, blurred, grid, mixed, sampled

_REACH_RATIO = 1.05
"""How far an enlarged eye reaches, in widths of the eye."""
_WIDTH_SHARE = 0.75
"""Eyes grow less in width than in height."""
_FRONTAL_YAW = 0.75
"""Beyond it the mesh of the far eye is a guess."""
_SMALLEST_EYE_PX = 6.0
_SMALLEST_LIT_FACE_PX = 24.0
_LIGHTS = (((-0.022, -0.026), 0.0165, 0.95), ((0.024, 0.022), 0.009, 0.6))
"""Offset from the iris and radius, in sizes of the face, and opacity."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a picture round a point, cut at the border."""

    rows: slice
    columns: slice

    @classmethod
    def around(cls, centre: Points, reach_px: float, shape: tuple[int, ...]) -> _Window:
        low = np.floor(centre - reach_px).astype(int).clip(0)
        high = np.ceil(centre + reach_px).astype(int) + 1
        return cls(
            slice(int(low[1]), min(int(high[1]), shape[0])),
            slice(int(low[0]), min(int(high[0]), shape[1])),
        )

    @property
    def shape(self) -> tuple[int, int]:
        return (
            max(self.rows.stop - self.rows.start, 0),
            max(self.columns.stop - self.columns.start, 0),
        )

    @property
    def origin(self) -> Points:
        return np.array([self.columns.start, self.rows.start], np.float32)


def enlarge_eyes(
    picture: Floats, faces: Sequence[Features], gain: float
) -> tuple[Floats, list[Features]]:
    """A picture whose open eyes are larger by ``gain``, and the faces with their points moved.

    Args:
        picture: RGB ``float32 (H, W, 3)``; not changed.
        faces: in its px.
        gain: 0.2 makes eyes a fifth larger at their centre; fades out round the eye.

    """
    picture = picture.copy()
    moved = []
    for face in faces:
        if gain and face.yaw < _FRONTAL_YAW:
            for index in face.open_eyes():
                if face.eye_width_px(index) >= _SMALLEST_EYE_PX:
                    _enlarge_one(picture, face, index, gain)
                    face = _with_moved_points(face, index, gain)
        moved.append(face)
    return picture, moved


def _enlarge_one(picture: Floats, face: Features, index: int, gain: float) -> None:
    """Draw the surroundings of one eye anew, in place."""
    centre, reach_px = _centre_and_reach(face, index)
    window = _Window.around(centre, reach_px, picture.shape)
    if 0 in window.shape:
        return
    x, y = grid(*window.shape)
    right, down = x + (window.origin[0] - centre[0]), y + (window.origin[1] - centre[1])
    pull = _pull(right, down, reach_px) * np.float32(gain)
    x += window.origin[0] - right * pull * np.float32(_WIDTH_SHARE)
    y += window.origin[1] - down * pull
    picture[window.rows, window.columns] = sampled(picture, x, y, cv2.INTER_CUBIC)


def _with_moved_points(face: Features, index: int, gain: float) -> Features:
    """The mesh as the enlarged eye shows it."""
    centre, reach_px = _centre_and_reach(face, index)

    def move(points: Points) -> Points:
        away = points - centre
        pull = _pull(away[..., 0], away[..., 1], reach_px)[..., np.newaxis] * gain
        return np.asarray(
            points + away * pull * np.array([_WIDTH_SHARE, 1], np.float32), np.float32
        )

    right, left = face.irises
    return replace(face, points=move(face.points), irises=(move(right), move(left)))


def _centre_and_reach(face: Features, index: int) -> tuple[Points, float]:
    centre = face.outline(EYES[index]).mean(axis=0)
    return np.asarray(centre, np.float32), face.eye_width_px(index) * _REACH_RATIO


def _pull(right: Floats, down: Floats, reach_px: float) -> Floats:
    """1 at the centre of the eye, 0 from its reach on, smooth between."""
    distance = np.minimum((right * right + down * down) / np.float32(reach_px**2), 1)
    return np.asarray((1 - distance) ** 2, np.float32)


def add_catch_lights(picture: Floats, faces: Sequence[Features], opacity: float) -> Floats:
    """White lights beside the pupils of open eyes, as animation draws them.

    Args:
        picture: RGB ``float32 (H, W, 3)``, 0 to 255; changed in place and returned.
        faces: in its px; small and turned ones are passed over.
        opacity: of the lights, 0 to 1.

    """
    for face in faces:
        if face.yaw < _FRONTAL_YAW and face.size_px >= _SMALLEST_LIT_FACE_PX:
            for index in face.open_eyes():
                _light_one(picture, face, index, opacity)
    return picture


def _light_one(picture: Floats, face: Features, index: int, opacity: float) -> None:
    size_px = face.size_px
    window = _Window.around(face.irises[index], 0.12 * size_px, picture.shape)
    if 0 in window.shape:
        return
    outline = face.outline(EYES[index]) - window.origin
    eye = polygon_mask(window.shape, outline, 1.0)
    x, y = grid(*window.shape)
    for offset, radius, part in _LIGHTS:
        centre = face.irises[index] - window.origin + np.array(offset, np.float32) * size_px
        distance = np.hypot(x - centre[0], y - centre[1])
        disc = blurred(np.clip(radius * size_px - distance + 0.5, 0, 1), max(0.3, size_px * 0.004))
        view = picture[window.rows, window.columns]
        view[:] = mixed(view, np.full_like(view, 255), disc * eye * np.float32(part * opacity))
