"""What can be swapped, what is doubtful, and whether the result still is the same pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.faces.face import Face, Points, eye_distance_px
from studio.faces.glasses import Glasses
from studio.tools.swapping.colour import to_lab
from studio.tools.swapping.features import (
    Expression,
    EyesKept,
    is_kept_around_eyes,
    why_eyes_are_kept,
)
from studio.tools.swapping.mask import INNER, skin_likeness
from studio.tools.swapping.patch import cut_patch
from studio.tools.swapping.polygons import polygon
from studio.tools.swapping.portrait import Portrait
from studio.tools.swapping.shape import fits_better_mirrored

LEAST_EYES_PX = 20.0
MOST_YAW = 0.75
DOUBTFUL_SHIFT, MOST_SHIFT = 0.03, 0.05
"""Mean distance of the mesh before and after, as a part of the eye distance."""
_TURNED_SOURCE_YAW = 0.40
_FRONTAL_YAW = 0.25
_MOST_YAW_GAP = 0.45
"""How much further than the target a source may be turned: beyond it the far half is guesswork."""
_LEAST_PLAIN_SKIN = 0.75
"""Share of the inner face that looks like skin; mixed light and hair leave 0.59 to 0.73."""

_ANOTHER_SOURCE = "Choose another source, large and looking towards the camera."
_OF_SOURCE_GLASSES = {
    Glasses.CLEAR: "seems to wear glasses, which are carried over as if painted on",
    Glasses.DARK: "seems to wear sunglasses, so what is around the eyes of the other face is kept",
}
_OF_KEPT_EYES = {
    EyesKept.GAZE: "the source looks elsewhere",
    EyesKept.OPENING: "the source's open much differently",
    EyesKept.NARROW: "they or the source's are nearly closed",
}
"""Closed ones are told of face by face."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a swap cannot be done: a reason as the end of a sentence, and a remedy as one."""

    reason: str
    remedy: str


def why_not_target(face: Face) -> Fault | None:
    """What keeps a face from being replaced; None when nothing."""
    if face.eye_distance_px < LEAST_EYES_PX:
        return Fault(
            f"too small, with less than {LEAST_EYES_PX:.0f} px between the eyes",
            "Enlarge the picture first, or choose larger faces.",
        )
    if abs(face.yaw) > MOST_YAW:
        return Fault("turned too far to the side", "Choose faces that look towards the camera.")
    return None


def why_not_source(face: Face, number: int) -> Fault | None:
    """What keeps the face of source ``number`` from being put on others."""
    fault = why_not_target(face)
    if fault is None:
        return None
    return Fault(f"source {number} is {fault.reason}", _ANOTHER_SOURCE)


def why_not_pair(source: Face, target: Face, number: int) -> Fault | None:
    """What keeps source ``number`` from being warped onto a target: it hides what that shows."""
    if abs(source.yaw) - abs(target.yaw) > _MOST_YAW_GAP:
        return Fault(
            f"source {number} looks so far to the side that half of its face is missing",
            _ANOTHER_SOURCE,
        )
    return None


def why_not_result(shift: float, number: int) -> Fault | None:
    """What speaks against a swap by source ``number`` that moved the face's mesh by ``shift``."""
    if shift > MOST_SHIFT:
        return Fault(
            f"with source {number} its features end up {per_cent(shift)} off, and "
            f"{per_cent(MOST_SHIFT)} is allowed",
            _ANOTHER_SOURCE,
        )
    return None


def source_doubts(source: Portrait) -> list[str]:
    """What may spoil every warp of this source, as ends of sentences."""
    doubts = []
    if Expression.of(source.face).is_shut:
        doubts.append("has closed eyes, so the eyes of the other face are kept")
    if source.glasses is not None:
        doubts.append(_OF_SOURCE_GLASSES[source.glasses])
    if plain_skin_share(source) < _LEAST_PLAIN_SKIN:
        doubts.append(
            "has coloured light, deep shadow or hair on the face, which may be carried over"
        )
    return doubts


def target_doubts(source: Portrait, target: Portrait, *, occlusion: bool) -> list[str]:
    """What of this face stays, and what may spoil the warp onto it, as ends of sentences."""
    here, there = Expression.of(target.face), _turned_like(source.face, target.face)
    doubts = []
    if here.is_shut:
        doubts.append("has closed eyes, which are kept")
    are_glasses_kept = is_kept_around_eyes(source, target, occlusion=occlusion)
    if target.glasses is not None:
        fate = "stay, with its eyes" if are_glasses_kept else "smear: what covers it is not kept"
        doubts.append(f"seems to wear glasses, which {fate}")
    kept = []
    if not are_glasses_kept and (why := why_eyes_are_kept(there, here)) in _OF_KEPT_EYES:
        kept.append(f"its eyes ({_OF_KEPT_EYES[why]})")
    if here.is_mouth_open or there.is_mouth_open:
        whose = "it" if here.is_mouth_open else "the source's"
        kept.append(f"its mouth ({whose} is open)")
    if kept:
        doubts.append(f"keeps {' and '.join(kept)}")
    return doubts


def _turned_like(source: Face, target: Face) -> Expression:
    """The source mirrored where the warp mirrors it; only its proportions count."""
    expression = Expression.of(source)
    is_mirrored = fits_better_mirrored(source.yaw, target.yaw)
    return expression.mirrored(0) if is_mirrored else expression


def pair_doubt(source: Face, target: Face) -> str | None:
    """What may spoil this warp, as the end of a sentence."""
    if abs(source.yaw) > _TURNED_SOURCE_YAW and abs(target.yaw) < _FRONTAL_YAW:
        return (
            "looks to the side and the other face to the camera, which stretches a cheek and "
            "leaves what is hidden as it was"
        )
    return None


def plain_skin_share(source: Portrait) -> float:
    """Mean likeness to the face's own skin from brows to chin, 0 to 1."""
    patch = cut_patch(source.pixels, source.face.mesh)
    likeness = skin_likeness(to_lab(patch.pixels.astype(np.float32)), patch.mesh)
    inner = polygon(patch.size, patch.mesh[list(INNER), :2])
    return float((likeness * inner).sum() / (inner.sum() + 1e-6))


def per_cent(part: float) -> str:
    """Such as “1.8 %”."""
    return f"{100 * part:.1f} %"


def mesh_shift(before: Points, after: Points) -> float:
    """Mean distance between two meshes of one face, as a part of the eye distance."""
    gaps = np.linalg.norm(after[:, :2] - before[:, :2], axis=1)
    return float(gaps.mean() / (eye_distance_px(before) + 1e-6))
