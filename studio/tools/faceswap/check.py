"""What can be swapped, what is doubtful, and whether the result still is the same pose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from studio.faces.face import Face, Points, eye_distance_px
from studio.faces.glasses import Glasses
from studio.tools.faceswap.colour import to_lab
from studio.tools.faceswap.features import (
    Expression,
    EyesKept,
    is_kept_around_eyes,
    why_eyes_are_kept,
)
from studio.tools.faceswap.mask import INNER, skin_likeness
from studio.tools.faceswap.patch import cut_patch
from studio.tools.faceswap.polygons import polygon
from studio.tools.faceswap.portrait import Portrait
from studio.tools.faceswap.shape import fits_better_mirrored
from studio.words import N_, Message, msg

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
_LEAST_COVERED = 0.01
"""Share of the face from brows to chin that something stands before, worth telling of."""

_ANOTHER_SOURCE = msg("Choose another source, large and looking towards the camera.")
_OF_SOURCE_GLASSES = {
    Glasses.CLEAR: N_(
        "Source {number} seems to wear glasses, which are carried over as if painted on."
    ),
    Glasses.DARK: N_(
        "Source {number} seems to wear sunglasses, so what is around the eyes of the other face "
        "is kept."
    ),
}
_OF_KEPT_EYES = {
    EyesKept.GAZE: msg("its eyes (the source looks elsewhere)"),
    EyesKept.OPENING: msg("its eyes (the source's open much differently)"),
    EyesKept.NARROW: msg("its eyes (they or the source's are nearly closed)"),
}
"""Closed ones are told of face by face."""


class _Flaw(Enum):
    """What neither a target nor a source may be."""

    SMALL = auto()
    TURNED = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a swap cannot be done: a reason as the end of a sentence, and a remedy as one."""

    reason: Message
    remedy: Message


def why_not_target(face: Face) -> Fault | None:
    """What keeps a face from being replaced; None when nothing."""
    flaw = _flaw_of(face)
    if flaw is _Flaw.SMALL:
        return Fault(
            msg(
                "too small, with less than {least_eyes:.0f} px between the eyes",
                least_eyes=LEAST_EYES_PX,
            ),
            msg("Enlarge the picture first, or choose larger faces."),
        )
    if flaw is _Flaw.TURNED:
        return Fault(
            msg("turned too far to the side"), msg("Choose faces that look towards the camera.")
        )
    return None


def why_not_source(face: Face, number: int) -> Fault | None:
    """What keeps the face of source ``number`` from being put on others."""
    flaw = _flaw_of(face)
    if flaw is _Flaw.SMALL:
        reason = msg(
            "source {number} is too small, with less than {least_eyes:.0f} px between the eyes",
            number=number,
            least_eyes=LEAST_EYES_PX,
        )
        return Fault(reason, _ANOTHER_SOURCE)
    if flaw is _Flaw.TURNED:
        reason = msg("source {number} is turned too far to the side", number=number)
        return Fault(reason, _ANOTHER_SOURCE)
    return None


def _flaw_of(face: Face) -> _Flaw | None:
    if face.eye_distance_px < LEAST_EYES_PX:
        return _Flaw.SMALL
    return _Flaw.TURNED if abs(face.yaw) > MOST_YAW else None


def why_not_pair(source: Face, target: Face, number: int) -> Fault | None:
    """What keeps source ``number`` from being warped onto a target: it hides what that shows."""
    if abs(source.yaw) - abs(target.yaw) > _MOST_YAW_GAP:
        return Fault(
            msg(
                "source {number} looks so far to the side that half of its face is missing",
                number=number,
            ),
            _ANOTHER_SOURCE,
        )
    return None


def why_not_result(shift: float, number: int) -> Fault | None:
    """What speaks against a swap by source ``number`` that moved the face's mesh by ``shift``."""
    if shift > MOST_SHIFT:
        return Fault(
            msg(
                "with source {number} its features end up {shift:.1%} off, and {most:.1%} is "
                "allowed",
                number=number,
                shift=shift,
                most=MOST_SHIFT,
            ),
            _ANOTHER_SOURCE,
        )
    return None


def source_doubts(source: Portrait, number: int) -> list[Message]:
    """What may spoil every warp of source ``number``."""
    doubts = []
    if Expression.of(source.face).is_shut:
        doubts.append(
            N_("Source {number} has closed eyes, so the eyes of the other face are kept.")
        )
    if source.glasses is not None:
        doubts.append(_OF_SOURCE_GLASSES[source.glasses])
    if _stands_behind_something(source):
        doubts.append(
            N_("Source {number} has something before the face, where the other face is kept.")
        )
    if plain_skin_share(source) < _LEAST_PLAIN_SKIN:
        doubts.append(
            N_(
                "Source {number} has coloured light, deep shadow or hair on the face, which may "
                "be carried over."
            )
        )
    return [Message(doubt, {"number": number}) for doubt in doubts]


def target_doubts(
    source: Portrait, target: Portrait, number: int, *, occlusion: bool
) -> list[Message]:
    """What of face ``number`` stays, and what may spoil the warp onto it."""
    here, there = Expression.of(target.face), _turned_like(source.face, target.face)
    doubts = []
    if _stands_behind_something(target):
        doubts.append(
            msg("Face {number} has something before it, which stays.", number=number)
            if occlusion
            else msg("Face {number} has something before it, which is painted over.", number=number)
        )
    if here.is_shut:
        doubts.append(msg("Face {number} has closed eyes, which are kept.", number=number))
    are_glasses_kept = is_kept_around_eyes(source, target, occlusion=occlusion)
    if target.glasses is not None:
        doubts.append(
            msg("Face {number} seems to wear glasses, which stay, with its eyes.", number=number)
            if are_glasses_kept
            else msg(
                "Face {number} seems to wear glasses, which smear: what covers it is not kept.",
                number=number,
            )
        )
    kept: list[Message] = []
    if not are_glasses_kept and (why := why_eyes_are_kept(there, here)) in _OF_KEPT_EYES:
        kept.append(_OF_KEPT_EYES[why])
    if here.is_mouth_open:
        kept.append(msg("its mouth (it is open)"))
    elif there.is_mouth_open:
        kept.append(msg("its mouth (the source's is open)"))
    if kept:
        doubts.append(msg("Face {number} keeps {parts}.", number=number, parts=tuple(kept)))
    return doubts


def _stands_behind_something(portrait: Portrait) -> bool:
    """Whether anything but sunglasses, which are told of, is before the face."""
    return portrait.glasses is not Glasses.DARK and portrait.covered_share > _LEAST_COVERED


def _turned_like(source: Face, target: Face) -> Expression:
    """The source mirrored where the warp mirrors it; only its proportions count."""
    expression = Expression.of(source)
    is_mirrored = fits_better_mirrored(source.yaw, target.yaw)
    return expression.mirrored(0) if is_mirrored else expression


def pair_doubt(source: Face, target: Face, source_number: int, number: int) -> Message | None:
    """What may spoil this warp, of one source onto one face."""
    if abs(source.yaw) > _TURNED_SOURCE_YAW and abs(target.yaw) < _FRONTAL_YAW:
        return msg(
            "Source {source} looks to the side and the other face to the camera, which stretches "
            "a cheek and leaves what is hidden as it was; for face {face} choose one that looks "
            "ahead.",
            source=source_number,
            face=number,
        )
    return None


def plain_skin_share(source: Portrait) -> float:
    """Mean likeness to the face's own skin from brows to chin, where it is bare, 0 to 1."""
    patch = cut_patch(source.pixels, source.face.mesh)
    likeness = skin_likeness(to_lab(patch.pixels.astype(np.float32)), patch.mesh)
    inner = polygon(patch.size, patch.mesh[list(INNER), :2]) * (1 - source.cover)
    return float((likeness * inner).sum() / (inner.sum() + 1e-6))


def mesh_shift(before: Points, after: Points) -> float:
    """Mean distance between two meshes of one face, as a part of the eye distance."""
    gaps = np.linalg.norm(after[:, :2] - before[:, :2], axis=1)
    return float(gaps.mean() / (eye_distance_px(before) + 1e-6))
