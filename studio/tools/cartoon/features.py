"""Where eyes, mouth and skin of a face are, as outlines of the mesh and as soft masks.

Point numbers are those of MediaPipe's 468-point face mesh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.faces.face import Face, Points, eye_distance_px
from studio.faces.topology import LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE
from studio.tools.cartoon.filters import Floats, blurred

EYES = (RIGHT_EYE, LEFT_EYE)
"""Contours of the subject's right and left eye, outer corner first, inner corner ninth."""
BROWS = (RIGHT_BROW, LEFT_BROW)
# fmt: off
UPPER_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (263, 466, 388, 387, 386, 385, 384, 398, 362),
)
"""From the outer corner inwards."""
NOSE = (168, 122, 174, 198, 49, 129, 64, 98, 97, 2, 326, 327, 294, 358, 279, 420, 399, 351)
NOSE_BASE = (98, 97, 2, 326, 327)
"""From nostril to nostril."""
MOUTH_LINE = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
JAW = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
SKIN_SAMPLES = (50, 280, 117, 346, 151, 9, 199, 205, 425, 36, 266)
"""Cheeks, forehead, between the brows, chin."""
# fmt: on

_OUTER, _INNER = 0, 8
"""Corners of the eye in ``EYES``."""
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the drawing needs of one face, in px of the picture at hand.

    Attributes:
        points: the mesh, ``float32 (468, 2)``.
        irises: centres of the right and the left iris, ``float32 (2,)`` each.
        are_open: whether the right and the left eye may be drawn as open.
        yaw: how far the head is turned to either side, 0 to 1.

    """

    points: Points
    irises: tuple[Points, Points]
    are_open: tuple[bool, bool]
    yaw: float

    @classmethod
    def of(cls, face: Face) -> Features:
        """The same face, reduced to what is drawn."""
        return cls(
            points=face.mesh[:, :2],
            irises=(face.right_eye.iris, face.left_eye.iris),
            are_open=(face.right_eye.is_open, face.left_eye.is_open),
            yaw=abs(face.yaw),
        )

    @property
    def size_px(self) -> float:
        """Between the outer corners of the eyes."""
        return eye_distance_px(self.points)

    def outline(self, numbers: Sequence[int]) -> Points:
        """The points with these numbers, ``float32 (len, 2)``."""
        return self.points[list(numbers)]

    def open_eyes(self) -> list[int]:
        """Indices into ``EYES`` of those that are open."""
        return [index for index, is_open in enumerate(self.are_open) if is_open]

    def eye_width_px(self, index: int) -> float:
        """Between the corners of one eye."""
        outer, inner = (self.points[EYES[index][corner]] for corner in (_OUTER, _INNER))
        return float(np.linalg.norm(outer - inner))

    def moved(self, scale: float, shift_px: float = 0.0) -> Features:
        """In a picture ``scale`` times as large, with ``shift_px`` more at the top and left."""

        def move(points: Points) -> Points:
            # Pixel centres, not corners, are what a resize keeps apart.
            return np.asarray((points + 0.5) * scale - 0.5 + shift_px, np.float32)

        right, left = self.irises
        return Features(move(self.points), (move(right), move(left)), self.are_open, self.yaw)


def polygon_mask(shape: tuple[int, ...], outline: Points, feather_px: float) -> Floats:
    """``float32 (H, W)``, 1 inside the outline, soft by ``feather_px``."""
    mask = np.zeros(shape[:2], np.uint8)
    corners = np.rint(outline * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return blurred(mask.astype(np.float32), max(feather_px, 0.3)) * np.float32(1 / 255)


def outlines_mask(
    shape: tuple[int, ...],
    faces: Iterable[Features],
    outlines: Iterable[Sequence[int]],
    feather_ratio: float,
) -> Floats:
    """The outlines of all faces in one mask, soft by a part of each face's size."""
    mask = np.zeros(shape[:2], np.float32)
    wanted = list(outlines)
    for face in faces:
        for numbers in wanted:
            part = polygon_mask(shape, face.outline(numbers), face.size_px * feather_ratio)
            np.maximum(mask, part, out=mask)
    return mask
