"""People near a hole, who are not copied into it: half a head in the sky is worse than a blur."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.faces.face import Face
from studio.faces.find import find_faces
from studio.faces.topology import OVAL
from studio.imaging.picture import Picture, Pixels
from studio.report import Report
from studio.tools.inpainting.levels import open_patches
from studio.tools.inpainting.mask import grow
from studio.tools.inpainting.regions import Region
from studio.tools.subject import predicted_alpha

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

    def drawn(self, region: Region) -> Pixels:
        """255 on the ellipse, ``uint8`` of the region's box."""
        middle = self.middle[0] - region.left, self.middle[1] - region.top
        box = np.zeros_like(region.hole)
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

    def to_spare(self, region: Region, closed: Pixels) -> Pixels:
        """What shall not be copied into a region's hole.

        The heads in its box that are not masked themselves; and the whole subject, where the hole
        lies mostly on the background, or holds a head. Nothing if the hole is a part of a head, if
        too little else is open, or if nobody is there.

        Args:
            region: the hole and its box.
            closed: ``uint8`` of the box's size, above 0 = masked.

        Returns:
            ``uint8`` of the box's size, 255 = not to be copied.

        """
        nobody = np.zeros_like(closed)
        side_px = max(cv2.boundingRect(region.hole)[2:])
        if side_px < _LEAST_SIDE_PX:
            return nobody
        rim = _rim(region.hole, closed, side_px)
        heads, is_person = self._heads_in(region, closed)
        if not heads.any() or _share(rim, heads) > _MOST_ON_HEADS:
            return nobody
        choices = [("Heads", heads)]
        if side_px >= _LEAST_SUBJECT_SIDE_PX:
            subject = self._subject[region.rows, region.columns]
            if is_person or _share(rim, subject) <= _MOST_ON_SUBJECT:
                choices.insert(0, ("People", heads | subject))
        least = _LEAST_OPEN_RATIO * np.count_nonzero(region.hole)
        for who, spared in choices:
            if np.count_nonzero(open_patches(closed | spared)) >= least:
                self._report.note(f"{who} nearby were not copied from.")
                return np.where(closed > 0, np.uint8(0), spared)
        return nobody

    def _heads_in(self, region: Region, closed: Pixels) -> tuple[Pixels, bool]:
        """255 on the heads in a region's box that are not masked, and whether others are."""
        drawn = [head.drawn(region) for head in self._heads]
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
        return grow(
            np.where(alpha >= _SUBJECT_LEVEL, np.uint8(255), np.uint8(0)), _SUBJECT_GROWN_PX
        )


def _rim(hole: Pixels, closed: Pixels, side_px: int) -> Pixels:
    """What is open along the edge of a hole, ``uint8 (H, W)``."""
    around = grow(hole, max(round(side_px * _RIM_RATIO), _LEAST_RIM_PX))
    return np.where(closed > 0, np.uint8(0), around)


def _share(part: Pixels, other: Pixels) -> float:
    """How much of ``part`` lies in ``other``."""
    return float(np.mean(other[part > 0] > 0)) if part.any() else 0.0
