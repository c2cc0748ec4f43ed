"""What can be swapped, what is doubtful, and whether the result still is the same pose."""

from __future__ import annotations

import numpy as np

from studio.faces.face import Face, Points, eye_distance_px
from studio.faces.glasses import Glasses, find_glasses
from studio.tools.swapping.colour import to_lab
from studio.tools.swapping.mask import INNER, skin_likeness
from studio.tools.swapping.patch import cut_patch
from studio.tools.swapping.polygons import polygon
from studio.tools.swapping.portrait import Portrait

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

_OF_SOURCE_GLASSES = {
    Glasses.CLEAR: "seems to wear glasses, which are carried over as if painted on",
    Glasses.DARK: "seems to wear sunglasses, so what is around the eyes of the other face is kept",
}


def why_not_target(face: Face) -> str | None:
    """What keeps a face from being replaced, as the end of a sentence; None when nothing."""
    if face.eye_distance_px < LEAST_EYES_PX:
        return (
            f"it is too small, {face.eye_distance_px:.0f} px between the eyes where "
            f"{LEAST_EYES_PX:.0f} are needed"
        )
    if abs(face.yaw) > MOST_YAW:
        return "it is turned too far to the side"
    return None


def why_not_source(face: Face) -> str | None:
    """What keeps a face from being put on others, as the end of a sentence."""
    return why_not_target(face)


def why_not_pair(source: Face, target: Face) -> str | None:
    """What keeps a source from being warped onto a target: it hides what the target shows."""
    if abs(source.yaw) - abs(target.yaw) > _MOST_YAW_GAP:
        return "the source looks so far to the side that half of its face is missing"
    return None


def source_doubts(source: Portrait) -> list[str]:
    """What may spoil every warp of this source, as ends of sentences."""
    doubts = []
    if not (source.face.right_eye.is_open and source.face.left_eye.is_open):
        doubts.append("has closed eyes, so the eyes of the other face are kept")
    if (worn := find_glasses(source.pixels, source.face.mesh)) is not None:
        doubts.append(_OF_SOURCE_GLASSES[worn])
    if plain_skin_share(source) < _LEAST_PLAIN_SKIN:
        doubts.append(
            "has coloured light, deep shadow or hair on the face, which may be carried over"
        )
    return doubts


def target_doubt(target: Portrait) -> str | None:
    """What may spoil every warp onto this face, as the end of a sentence."""
    if find_glasses(target.pixels, target.face.mesh) is not None:
        return (
            "seems to wear glasses: where what covers a face is kept, they and its eyes are; else "
            "they smear"
        )
    return None


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


def mesh_shift(before: Points, after: Points) -> float:
    """Mean distance between two meshes of one face, as a part of the eye distance."""
    gaps = np.linalg.norm(after[:, :2] - before[:, :2], axis=1)
    return float(gaps.mean() / (eye_distance_px(before) + 1e-6))
