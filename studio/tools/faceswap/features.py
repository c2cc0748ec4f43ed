"""Eyes, mouths and glasses that stay the target's because the source's would look wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from studio.faces.face import Face, Points, eye_distance_px, yaw_of
from studio.faces.glasses import Glasses
from studio.faces.topology import LEFT_EYE, LIPS, RIGHT_EYE, SYMMETRY
from studio.models.runtime import Floats
from studio.tools.faceswap.polygons import scaled, union
from studio.tools.faceswap.portrait import Portrait
from studio.tools.faceswap.shape import LEFT_LIDS, MOUTH, RIGHT_LIDS, mirror_mesh

_MOST_YAW_GAP = 0.6
"""Between source and target: beyond it the gaze would go astray."""
_MOST_FURTHER_YAW = 0.33
"""How much further a source may be turned: beyond it the far eye has little to give."""
_MOST_OPENING_GAP = 0.14
_LEAST_OPENING = 0.17
_OPEN_MOUTH = 0.11
"""Closed lips measure up to 0.10. The mesh lies too loosely on parted ones to warp them: teeth
smear over lips, and lips over teeth."""
_MOUTH_GROWTH = 1.15
"""Around the mesh's lips, which a wide smile outgrows."""
_EYE_EDGE, _MOUTH_EDGE, _GLASSES_EDGE = 0.022, 0.04, 0.06
"""Softness as a part of the eye distance."""
_DOWN_RIGHT_OF_GLASSES = (
    *(107, 66, 105, 63, 70, 156, 143, 116, 123, 147),
    *(187, 205, 36, 142, 126, 47, 174, 196),
)
_AROUND_GLASSES = (
    9,
    *_DOWN_RIGHT_OF_GLASSES,
    197,
    *(int(SYMMETRY[point]) for point in reversed(_DOWN_RIGHT_OF_GLASSES)),
)
"""From the middle of the brows over the right temple and cheek to the bridge, and back on the
left: as low as the largest lenses reach."""
_GLASSES_GROWTH = 1.08
_SHUT_TARGET, _SHUT_SOURCE = 1.25, 1.8
"""Shut eyes are kept with their lids; so are open ones whose source has shut lids to give."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A mesh, and whether its eyes are open, which a mesh cannot tell."""

    mesh: Points
    is_right_open: bool
    is_left_open: bool

    @classmethod
    def of(cls, face: Face) -> Expression:
        """That of a face, in px of its picture."""
        return cls(face.mesh, face.right_eye.is_open, face.left_eye.is_open)

    @property
    def is_shut(self) -> bool:
        """Whether an eye is closed."""
        return not (self.is_right_open and self.is_left_open)

    @property
    def is_mouth_open(self) -> bool:
        """Whether the lips are parted: of two mouths one is enough for the target's to stay."""
        return MOUTH.opening(self.mesh) > _OPEN_MOUTH

    def at(self, mesh: Points) -> Expression:
        """The same, moved or scaled."""
        return replace(self, mesh=mesh)

    def mirrored(self, width_px: int) -> Expression:
        """The same in the mirrored picture, which is ``width_px`` wide."""
        return Expression(mirror_mesh(self.mesh, width_px), self.is_left_open, self.is_right_open)


class EyesKept(StrEnum):
    """Why both eyes stay the target's."""

    SHUT = "shut"
    GAZE = "gaze"
    OPENING = "opening"
    NARROW = "narrow"


def why_eyes_are_kept(source: Expression, target: Expression) -> EyesKept | None:
    """Why a source, turned the way the target is, gives it no eyes; None when it does."""
    if source.is_shut or target.is_shut:
        return EyesKept.SHUT
    if _looks_elsewhere(source.mesh, target.mesh):
        return EyesKept.GAZE
    if _opening_gap(source.mesh, target.mesh) > _MOST_OPENING_GAP:
        return EyesKept.OPENING
    is_narrow = min(_openings(source.mesh) + _openings(target.mesh)) < _LEAST_OPENING
    return EyesKept.NARROW if is_narrow else None


def is_kept_around_eyes(source: Portrait, target: Portrait, *, occlusion: bool) -> bool:
    """Whether the target keeps all around its eyes: dark lenses leave a source none to give."""
    return (occlusion and target.glasses is not None) or source.glasses is Glasses.DARK


def kept_features(source: Expression, target: Expression, size: tuple[int, int]) -> Floats:
    """Where the target is kept, ``float32 (h, w)``, in px of the target's mesh."""
    mesh = target.mesh[:, :2]
    distance_px = eye_distance_px(target.mesh)
    eyes = [scaled(mesh[list(outline)], growth) for outline, growth in _kept_eyes(source, target)]
    kept = union(size, eyes, _EYE_EDGE * distance_px)
    if source.is_mouth_open or target.is_mouth_open:
        lips = scaled(mesh[list(LIPS)], _MOUTH_GROWTH)
        kept = kept.clip(union(size, [lips], _MOUTH_EDGE * distance_px), None)
    return kept


def around_glasses(target: Points, size: tuple[int, int]) -> Floats:
    """What glasses and their frame cover, ``float32 (h, w)``, in px of the target's mesh."""
    outline = scaled(target[list(_AROUND_GLASSES), :2], _GLASSES_GROWTH)
    return union(size, [outline], _GLASSES_EDGE * eye_distance_px(target))


def _kept_eyes(source: Expression, target: Expression) -> list[tuple[tuple[int, ...], float]]:
    """Outlines of the eyes to keep, with how far around them: both or none.

    Two colours of eyes, or two gazes, are worse than another's.
    """
    if why_eyes_are_kept(source, target) is None:
        return []
    eyes = ((RIGHT_EYE, target.is_right_open), (LEFT_EYE, target.is_left_open))
    return [
        (outline, _SHUT_SOURCE if source.is_shut else 1.0 if is_open else _SHUT_TARGET)
        for outline, is_open in eyes
    ]


def _looks_elsewhere(source: Points, target: Points) -> bool:
    yaw, other = yaw_of(source), yaw_of(target)
    return abs(yaw - other) > _MOST_YAW_GAP or abs(yaw) - abs(other) > _MOST_FURTHER_YAW


def _opening_gap(source: Points, target: Points) -> float:
    """Mean of both eyes, since the far one of a turned head is narrow and measures more open."""
    pairs = zip(_openings(source), _openings(target), strict=True)
    return sum(abs(one - other) for one, other in pairs) / 2


def _openings(mesh: Points) -> list[float]:
    return [lids.opening(mesh) for lids in (RIGHT_LIDS, LEFT_LIDS)]
