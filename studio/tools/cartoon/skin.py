"""Which part of a small picture is skin, eyes and lips, and skin freed of its shine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.faces.topology import INNER_MOUTH, LIPS, OVAL
from studio.tools.cartoon.features import (
    BROWS,
    EYES,
    NOSE,
    SKIN_SAMPLES,
    Features,
    outlines_mask,
    polygon_mask,
)
from studio.tools.cartoon.filters import Floats, blurred, clipped, mixed, to_lab, to_rgb

_LAB_SPREAD = np.array([28, 9, 10], np.float32)
"""How far skin may be from the samples' median in L, a and b."""
_FEWEST_SAMPLES = 4
_FEATHER_RATIO = 0.02
_REACH_SIZES = (1.6, 3.2)
"""Skin counts in full to (1.6 - 1) * 3.2 face sizes from the face, and not beyond 1.6 * 3.2."""
_GUIDE_RADIUS_PX = 4
_GUIDE_EPS = 0.002

_SHINE_SIGMA_RATIO = 0.20
_SHINE_FROM = 3.0
"""Lightness above the surroundings at which shine begins."""
_SHINE_SHARES = ((OVAL, 0.25), (NOSE, 0.7))
"""How much of it goes: flash leaves a hard triangle on noses, and form on the rest."""
_RED_EYE_REACH_RATIO = 0.11


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Soft masks of a small picture, ``float32 (H, W)``, 0 to 1.

    Attributes:
        skin: of all found faces and what has their colour nearby; no eyes, no lips.
        eyes: open and shut ones.
        open_eyes: those that may be drawn as open.
        brows: of all faces.
        lips: with the mouth's opening.
        mouths: the opening alone.

    """

    skin: Floats
    eyes: Floats
    open_eyes: Floats
    brows: Floats
    lips: Floats
    mouths: Floats


def find_parts(rgb: Floats, faces: Sequence[Features]) -> Parts:
    """The parts of all ``faces`` in an RGB ``float32 (H, W, 3)``; empty masks without faces."""
    shape = rgb.shape
    eyes = outlines_mask(shape, faces, EYES, _FEATHER_RATIO)
    open_eyes = np.zeros(shape[:2], np.float32)
    for face in faces:
        for index in face.open_eyes():
            feather_px = face.size_px * _FEATHER_RATIO
            eye = polygon_mask(shape, face.outline(EYES[index]), feather_px)
            np.maximum(open_eyes, eye, out=open_eyes)
    brows = outlines_mask(shape, faces, BROWS, _FEATHER_RATIO)
    lips = outlines_mask(shape, faces, (LIPS,), _FEATHER_RATIO)
    skin: Floats = np.zeros(shape[:2], np.float32)
    if faces:
        lab = to_lab(rgb)
        for face in faces:
            np.maximum(skin, _skin_of(lab, face), out=skin)
        guide = np.ascontiguousarray(lab[..., 0] * np.float32(0.01))
        guided = cv2.ximgproc.guidedFilter(guide, skin, _GUIDE_RADIUS_PX, _GUIDE_EPS)
        skin = clipped(np.asarray(guided, np.float32)) * (1 - eyes) * (1 - lips)
    mouths = outlines_mask(shape, faces, (INNER_MOUTH,), _FEATHER_RATIO / 2)
    return Parts(skin, eyes, open_eyes, brows, lips, mouths)


def _skin_of(lab: Floats, face: Features) -> Floats:
    """How likely each pixel is skin of this person, by colour and by distance."""
    height, width = lab.shape[:2]
    samples = np.rint(face.outline(SKIN_SAMPLES)).astype(int)
    is_inside = ((samples >= 0) & (samples < (width, height))).all(axis=1)
    if is_inside.sum() < _FEWEST_SAMPLES:
        return np.zeros((height, width), np.float32)
    columns, rows = samples[is_inside].T
    smooth = blurred(lab, max(1.0, face.size_px * 0.03))
    median = np.median(smooth[rows, columns], axis=0).astype(np.float32)
    distance = np.square((lab - median) / _LAB_SPREAD).sum(axis=2)
    centre = face.points.mean(axis=0)
    y, x = np.ogrid[:height, :width]
    away = np.hypot(x - centre[0], y - centre[1]) / max(face.size_px, 1.0)
    near = np.clip(_REACH_SIZES[0] - away / _REACH_SIZES[1], 0, 1)
    by_colour = np.minimum(1, np.exp(-distance / 2) * near * 1.4)
    oval = polygon_mask(lab.shape, face.outline(OVAL), face.size_px * 0.04)
    return np.asarray(np.maximum(by_colour, oval * np.exp(-distance / 8)), np.float32)


def without_shine(rgb: Floats, faces: Sequence[Features], parts: Parts, amount: float) -> Floats:
    """Faces without the highlights that flash and sweat leave, which flattening would outline.

    Args:
        rgb: ``float32 (H, W, 3)``, 0 to 255; not changed.
        faces: in its px.
        parts: of the same picture.
        amount: 1 takes most of the shine, 0 none.

    """
    if not faces or not amount:
        return rgb
    lab = to_lab(rgb)
    lightness = lab[..., 0].copy()
    features = np.clip(parts.eyes + parts.brows + parts.lips, 0, 1)
    for face in faces:
        oval = polygon_mask(rgb.shape, face.outline(OVAL), face.size_px * 0.03) * (1 - features)
        sigma_px = max(1.0, face.size_px * _SHINE_SIGMA_RATIO)
        around = blurred(lightness * oval, sigma_px) / (blurred(oval, sigma_px) + 1e-3)
        share = np.zeros_like(oval)
        for outline, most in _SHINE_SHARES:
            region = polygon_mask(rgb.shape, face.outline(outline), face.size_px * 0.05)
            np.maximum(share, region * np.float32(most * amount), out=share)
        lightness -= np.maximum(lightness - around - _SHINE_FROM, 0) * share * oval
    taken = lab[..., 0] - lightness
    lab[..., 0] = lightness
    # Shine is the light's own colour; skin below it has more.
    lab[..., 1:] *= (1 + taken * np.float32(0.008))[..., np.newaxis]
    return to_rgb(lab)


def without_red_eyes(rgb: Floats, faces: Sequence[Features]) -> Floats:
    """Pupils that a flash lit red, dark again; any other iris keeps its colour."""
    red = np.zeros(rgb.shape[:2], np.float32)
    lab = to_lab(rgb)
    for face in faces:
        for index in face.open_eyes():
            eye = polygon_mask(rgb.shape, face.outline(EYES[index]), face.size_px * 0.01)
            y, x = np.ogrid[: rgb.shape[0], : rgb.shape[1]]
            iris = face.irises[index]
            away = np.hypot(x - iris[0], y - iris[1])
            reach_px = max(face.size_px * _RED_EYE_REACH_RATIO, 1.5)
            np.maximum(red, eye * np.clip(reach_px + 1 - away, 0, 1), out=red)
    if not red.any():
        return rgb
    # Brown irises are more yellow than red; only blood is this red.
    redness = np.clip((lab[..., 1] - 0.5 * np.maximum(lab[..., 2], 0) - 16) / 12, 0, 1) * red
    lab[..., 1:] *= (1 - 0.85 * redness)[..., np.newaxis]
    lab[..., 0] *= 1 - 0.5 * redness
    return mixed(rgb, to_rgb(lab), np.minimum(redness * 4, 1))
