"""Which pixels patch-based inpainting must not copy, because they show people.

Half a head in the sky is worse than a blur.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.faces.face import Face
from studio.faces.find import find_faces
from studio.faces.topology import OVAL
from studio.imaging.mask_steps import grow
from studio.imaging.picture import Picture, Pixels
from studio.report import Report
from studio.tools.inpaint.holes import Hole
from studio.tools.inpaint.levels import open_patches
from studio.tools.inpaint.mask import is_near
from studio.tools.subject import predicted_alpha
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_FACE_SEARCH = ("blazeface-short", "blazeface-full", "facemesh", "iris-landmark")
_MATTING = "isnet"
_LEAST_SIDE_PX = 64
"""Of a hole; the surroundings of a smaller one seldom hold a head, and finding it takes longer than
filling the hole."""
_LEAST_SUBJECT_SIDE_PX = 128
"""From here whole people matter too, and the matting network takes no longer than the filling."""
_SUBJECT_LEVEL = 64
_SUBJECT_GROWN_PX = 2
_HEAD_RATIO = 1.7
"""A head with its hair over its face, both across and along."""
_HEAD_UP_RATIO = 0.3
"""How far above the middle of the face that of the head lies, over the face's half height."""
_LEAST_WIDTH_RATIO = 0.7
"""Of a face over its height: heads that look aside are as wide as others."""
_MOST_MASKED = 0.5
"""Share of a head from which it is what shall go."""
_RIM_RATIO = 1 / 16
"""Width of a hole's rim over the hole's longer side."""
_LEAST_RIM_PX = 6
_MOST_ON_HEADS = 0.25
"""With more of its rim on heads, a hole is a part of one, as a spot or a hat."""
_MOST_ON_SUBJECT = 0.5
"""With more, it is a part of a person, as a badge, unless it holds a head."""
_LEAST_OPEN_RATIO = 0.25
"""Whole patches that have to stay open, over the area of the hole."""


@dataclass(frozen=True, slots=True)
class _Head:
    """An ellipse in px of the picture: middle, diameters across and along, degrees clockwise."""

    middle: tuple[float, float]
    diameters: tuple[float, float]
    degrees: float

    @classmethod
    def of(cls, face: Face) -> _Head:
        """The head with its hair."""
        oval = face.mesh[list(OVAL), :2].astype(np.float64)
        middle = oval.mean(axis=0)
        brow, chin = face.mesh[OVAL[0], :2], face.mesh[OVAL[len(OVAL) // 2], :2]
        up = (brow - chin) / max(float(np.linalg.norm(brow - chin)), 1.0)
        across = np.array([-up[1], up[0]])
        height, width = (float(np.ptp((oval - middle) @ axis)) for axis in (up, across))
        width = max(width, height * _LEAST_WIDTH_RATIO)
        x, y = (middle + up * height / 2 * _HEAD_UP_RATIO).tolist()
        degrees = float(np.degrees(np.arctan2(across[1], across[0])))
        return cls((x, y), (width * _HEAD_RATIO, height * _HEAD_RATIO), degrees)

    def drawn(self, hole: Hole) -> Pixels:
        """255 on the ellipse, ``uint8`` of the hole's box."""
        middle = self.middle[0] - hole.left, self.middle[1] - hole.top
        box = np.zeros_like(hole.mask)
        return np.asarray(cv2.ellipse(box, (middle, self.diameters, self.degrees), 255, cv2.FILLED))


class People:
    """Who is in a picture, looked for once, when first asked."""

    def __init__(self, pixels: Pixels, models: ModelCache, report: Report) -> None:
        """Nothing is looked for yet.

        Args:
            pixels: RGB ``uint8 (H, W, 3)``.
            models: opens what finds faces and subjects; where it is not installed, nobody is found.
            report: told which weights were used, and when somebody is spared.

        """
        self._pixels = pixels
        self._models = models
        self._report = report

    def to_spare(self, hole: Hole, closed: Pixels) -> Pixels:
        """The mask of the people near a hole, to be left out of the source patches.

        The heads in its box that are not masked themselves; and the whole subject, where the hole
        lies mostly on the background, or holds a head. Nothing if the hole is a part of a head, if
        too little else is open, or if nobody is there.

        Args:
            hole: the hole and its box, in pixels of the picture.
            closed: ``uint8`` of the box's size, above 0 = masked or hidden.

        Returns:
            ``uint8`` of the box's size, 255 = not to be copied.

        """
        nobody = np.zeros_like(closed)
        side_px = max(cv2.boundingRect(hole.mask)[2:])
        if side_px < _LEAST_SIDE_PX:
            return nobody
        rim = _rim(hole.mask, closed, side_px)
        heads, is_person = self._heads_in(hole, closed)
        if not heads.any() or _share(rim, heads) > _MOST_ON_HEADS:
            return nobody
        choices = [(msg("Heads nearby were not copied from."), heads)]
        if side_px >= _LEAST_SUBJECT_SIDE_PX:
            subject = self._subject[hole.rows, hole.columns]
            if is_person or _share(rim, subject) <= _MOST_ON_SUBJECT:
                choices.insert(0, (msg("People nearby were not copied from."), heads | subject))
        least = _LEAST_OPEN_RATIO * np.count_nonzero(hole.mask)
        for note, spared in choices:
            if np.count_nonzero(open_patches(closed | spared)) >= least:
                self._report.note(note)
                return np.where(closed > 0, np.uint8(0), spared)
        return nobody

    def _heads_in(self, hole: Hole, closed: Pixels) -> tuple[Pixels, bool]:
        """255 on the heads in a hole's box that are not masked, and whether others are."""
        drawn = [head.drawn(hole) for head in self._heads]
        kept = [one for one in drawn if _share(one, closed) <= _MOST_MASKED]
        return np.maximum.reduce([np.zeros_like(closed), *kept]), len(kept) < len(drawn)

    @cached_property
    def _heads(self) -> list[_Head]:
        if not all(self._models.is_installed(model_id) for model_id in _FACE_SEARCH):
            return []
        return [_Head.of(face) for face in find_faces(self._pixels, self._models, self._report)]

    @cached_property
    def _subject(self) -> Pixels:
        """255 where the subject of the whole picture is."""
        if not self._models.is_installed(_MATTING):
            return np.zeros(self._pixels.shape[:2], np.uint8)
        alpha = predicted_alpha(self._models.open(_MATTING, self._report), Picture(self._pixels))
        subject = np.where(alpha >= _SUBJECT_LEVEL, np.uint8(255), np.uint8(0))
        return grow(subject, _SUBJECT_GROWN_PX, is_near)


def _rim(hole: Pixels, closed: Pixels, side_px: int) -> Pixels:
    """What is open along the edge of a hole, ``uint8 (H, W)``."""
    around = grow(hole, max(round(side_px * _RIM_RATIO), _LEAST_RIM_PX), is_near)
    return np.where(closed > 0, np.uint8(0), around)


def _share(part: Pixels, other: Pixels) -> float:
    """How much of ``part`` lies in ``other``."""
    return float(np.mean(other[part > 0] > 0)) if part.any() else 0.0
