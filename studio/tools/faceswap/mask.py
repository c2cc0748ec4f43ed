"""Where a face is replaced: inside its outline, and nowhere that hair or other things are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.faces.face import Points, eye_distance_px
from studio.faces.topology import LEFT_BROW, LEFT_EYE, LIPS, OVAL, RIGHT_BROW, RIGHT_EYE
from studio.models.runtime import Floats
from studio.tools.faceswap.polygons import polygon, scaled, shrink, soften, union

INNER = (
    *(70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300, 383, 372, 345, 352, 411, 427),
    *(434, 430, 431, 262, 428, 199, 208, 32, 211, 210, 214, 207, 187, 123, 116, 143, 156),
)
"""Brows to chin: what makes somebody somebody, always replaced."""
_BARE_SKIN = (50, 280, 117, 346, 205, 425, 36, 266, 187, 411, 151, 9, 108, 337)
"""Points whose colours say what this face's skin looks like."""
_SPREAD = np.array([16.0, 9.0, 9.0], np.float32)
"""Usual deviation of L, a and b over a face; shade moves L far more."""
_SHADE_SLACK = 1.6
_SURELY_NOT_SKIN, _SURELY_SKIN = 0.35, 0.75
_FOREHEAD_FROM, _FOREHEAD_TO = 0.06, 0.16
"""How far above the brows the target's forehead begins and is whole, over the eye distance."""
_OUTLINE_SHARE = 0.955
"""The outline is taken in, since the mesh's own touches the background."""


@dataclass(frozen=True, slots=True)
class FaceAreas:
    """Soft masks ``float32 (h, w)``, 0 to 1.

    Attributes:
        outline: the whole face.
        inner: brows to chin.
        core: nose and features with a firm edge, of the source's shape.
        features: eyes, brows and lips, of both faces.
        eyes: eyes and brows, of the source's shape.
        skin: what looks like bare skin in both.
        free: where nothing stands before the face.

    """

    outline: Floats
    inner: Floats
    core: Floats
    features: Floats
    eyes: Floats
    skin: Floats
    free: Floats

    @property
    def bare(self) -> Floats:
        """Skin that colour and sharpness can be judged by."""
        bare: Floats = self.outline * self.free * (1 - np.minimum(self.features * 1.6, 1))
        return bare


def face_areas(target: Points, shape: Points, skin: Floats, free: Floats) -> FaceAreas:
    """The masks of a patch.

    Args:
        target: the target's mesh, ``float32 (468, 3)`` in px of the patch.
        shape: where its points moved, ``float32 (468, 2)``.
        skin: what looks like bare skin.
        free: where nothing stands before the face.

    """
    size = (skin.shape[1], skin.shape[0])
    eyes_px = eye_distance_px(target)
    eyes = (RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW)
    both = [mesh[list(part), :2] for part in (*eyes, LIPS) for mesh in (target, shape)]
    return FaceAreas(
        outline=polygon(size, scaled(target[list(OVAL), :2], _OUTLINE_SHARE)),
        inner=polygon(size, shape[list(INNER)], 0.05 * eyes_px),
        core=union(size, _core(shape), 0.015 * eyes_px) * free,
        features=union(size, both, 0.03 * eyes_px),
        eyes=union(size, [shape[list(part)] for part in eyes], 0.03 * eyes_px),
        skin=skin,
        free=free,
    )


def _core(shape: Points) -> list[Points]:
    """What is taken even where it does not look like skin."""
    parts = ((INNER, 0.72), (RIGHT_BROW, 1.0), (LEFT_BROW, 1.0), (LIPS, 1.1))
    lids = ((RIGHT_EYE, 1.5), (LEFT_EYE, 1.5))
    return [scaled(shape[list(part)], factor) for part, factor in (*parts, *lids)]


def skin_likeness(lab: Floats, mesh: Points) -> Floats:
    """How much each pixel looks like this face's skin, ``float32 (h, w)``, 0 to 1.

    Args:
        lab: ``float32 (h, w, 3)``, L 0 to 100.
        mesh: ``float32 (468, 2 or 3)`` in px of ``lab``.

    """
    eyes_px = eye_distance_px(mesh)
    smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.8, 0.02 * eyes_px)), np.float32)
    middle, deviation = usual_skin(smooth, mesh)
    deviation = np.clip(deviation, 0.7 * _SPREAD, 1.6 * _SPREAD)
    deviation[0] *= _SHADE_SLACK
    offsets = ((smooth - middle) / deviation).astype(np.float32)
    distance = (offsets * offsets).sum(axis=2)
    return np.asarray(np.exp(-np.maximum(distance - 2, 0) / 3.5), np.float32)


def usual_skin(lab: Floats, mesh: Points) -> tuple[Floats, Floats]:
    """Lab of a face's bare skin and its usual deviation, ``float32 (3,)`` each.

    Args:
        lab: ``float32 (h, w, 3)``, smooth enough for single pixels to tell.
        mesh: ``float32 (468, 2 or 3)`` in px of ``lab``.

    """
    height, width = lab.shape[:2]
    columns, rows = np.round(mesh[list(_BARE_SKIN), :2]).astype(int).T
    samples = lab[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    middle = np.median(samples, axis=0)
    return middle, 1.4826 * np.median(np.abs(samples - middle), axis=0)


def surely_skin(likeness: Floats) -> Floats:
    """``skin_likeness`` with a firm edge, ``float32 (h, w)``, 0 to 1."""
    span = _SURELY_SKIN - _SURELY_NOT_SKIN
    return np.asarray(np.clip((likeness - _SURELY_NOT_SKIN) / span, 0, 1), np.float32)


def free_of_hair(skin: Floats, core: Floats, eyes_px: float) -> Floats:
    """Where a source shows its face and not what hangs over it, ``float32 (h, w)``, 0 to 1.

    Unlike a mask it is firm: a band of half a fringe above the brows looks like a scar.

    Args:
        skin: likeness to the source's own skin.
        core: nose and features, always taken.
        eyes_px: the eye distance in the patch.

    """
    firm = soften(shrink(surely_skin(skin), 0.075 * eyes_px), 0.03 * eyes_px)
    return np.maximum(firm, core)


def below_forehead(target: Points, shape: Points, size: tuple[int, int]) -> Floats:
    """1 up to the brows and 0 on the forehead, ``float32 (h, w)``.

    A forehead says little of a person, and locks and their shadows on it fit no other hair.

    Args:
        target: the target's mesh, ``float32 (468, 3)`` in px of the patch.
        shape: where its points moved, ``float32 (468, 2)``.
        size: width and height of the patch.

    """
    eyes_px = eye_distance_px(target)
    across = (target[263, :2] - target[33, :2]) / eyes_px
    up = np.array([across[1], -across[0]], np.float32)
    brows = [(target[list(brow), :2], shape[list(brow)]) for brow in (RIGHT_BROW, LEFT_BROW)]
    middles = [float((before @ across).mean()) for before, _ in brows]
    tops = [float(max((before @ up).max(), (after @ up).max())) for before, after in brows]
    # The line over both brows; how far above it a pixel lies is linear in x and y.
    slope = (tops[1] - tops[0]) / (middles[1] - middles[0])
    to_right, to_bottom = (up - slope * across) / eyes_px
    x = np.arange(size[0], dtype=np.float32) * np.float32(to_right)
    y = np.arange(size[1], dtype=np.float32)[:, np.newaxis] * np.float32(to_bottom)
    above = x + y - np.float32((tops[0] - slope * middles[0]) / eyes_px)
    span = _FOREHEAD_TO - _FOREHEAD_FROM
    return np.asarray(np.clip((_FOREHEAD_TO - above) / span, 0, 1), np.float32)


def swap_mask(areas: FaceAreas, guide: Floats, reach: Floats, eyes_px: float) -> Floats:
    """How far each pixel is replaced, ``float32 (h, w)``.

    Args:
        areas: of the patch.
        guide: the target's lightness, ``float32 (h, w)`` 0 to 1: the mask follows its edges.
        reach: how well the source shows each pixel.
        eyes_px: the eye distance in the patch.

    """
    cross = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    free = np.asarray(cv2.erode(areas.skin, cross), np.float32)
    fitted = cv2.ximgproc.guidedFilter(guide, free, max(2, int(0.05 * eyes_px)), 1e-3)
    mask = areas.outline * np.maximum(np.clip(fitted, 0, 1), areas.inner) * reach
    # Softness would leave ghosts between two bars: what stands before the face has a firm edge.
    return soften(shrink(mask, 0.03 * eyes_px), 0.055 * eyes_px) * areas.free
