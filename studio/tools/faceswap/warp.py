"""Warping the source face onto the target's mesh: one affine map for each mesh triangle."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.face import Points, eye_distance_px
from studio.faces.topology import SKIN_TRIANGLES, TRIANGLES
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.tools.faceswap.polygons import soften

_Labels = npt.NDArray[np.int32]

_SUBPIXEL_BITS = 4
_HIDDEN, _SHOWN = 0.22, 0.52
"""Area of a source triangle over that of its target, by the median: below the first it shows
nothing worth having, from the second on it is taken as it is."""
_OPENING_SHOWN = 0.15
"""The triangles across eyes and mouth close with them, which hides nothing."""
_SLACK = 1.5
"""How fast a triangle's map may leave the triangle, in px of the source a px of the patch."""
_TRANSITION = 0.10
"""Softness between what is shown and what is hidden, as a part of the eye distance."""


@dataclass(frozen=True, slots=True)
class FaceWarp:
    """Where each pixel of a patch comes from in the source.

    Attributes:
        positions: ``float32 (h, w, 2)``, x and y in px of the source.
        reach: ``float32 (h, w)``, how well the source shows the pixel, 0 to 1.

    """

    positions: Floats
    reach: Floats

    def sample(self, source: Pixels) -> Pixels:
        """The source's pixels in the patch, RGB ``uint8 (h, w, 3)``."""
        return np.asarray(
            cv2.remap(
                source,
                self.positions[..., 0],
                self.positions[..., 1],
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REFLECT,
            ),
            np.uint8,
        )

    def resized(self, size: tuple[int, int], source_factor: float) -> FaceWarp:
        """The warp for a patch of ``size`` and a source enlarged by ``source_factor``.

        The maps are affine piece by piece, so that enlarging them loses nothing.
        """
        positions, reach = (
            np.asarray(cv2.resize(old, size, interpolation=cv2.INTER_LINEAR), np.float32)
            for old in (self.positions, self.reach)
        )
        half = np.float32(0.5)
        return FaceWarp((positions + half) * np.float32(source_factor) - half, reach)


def fit_warp(source: Points, shape: Points, depth: Points, size: tuple[int, int]) -> FaceWarp:
    """The warp that carries a source mesh onto ``shape``.

    Outside the mesh the nearest triangle's map goes on, so that soft masks find skin there.

    Args:
        source: ``float32 (468, 2)`` in px of the source.
        shape: ``float32 (468, 2)`` in px of the patch.
        depth: ``float32 (468,)``, smaller is nearer; decides what covers what.
        size: width and height of the patch.

    """
    labels, outside_px = _label_triangles(shape, depth, size)
    areas = _relative_areas(source, shape)
    shown = np.clip((areas - _HIDDEN) / (_SHOWN - _HIDDEN), 0, 1)
    shown[SKIN_TRIANGLES:] = areas[SKIN_TRIANGLES:] > _OPENING_SHOWN
    eyes_px = eye_distance_px(shape)
    return FaceWarp(
        positions=_positions(source, shape, labels, outside_px),
        reach=soften(shown[labels], _TRANSITION * eyes_px),
    )


def _label_triangles(shape: Points, depth: Points, size: tuple[int, int]) -> tuple[_Labels, Floats]:
    """Which triangle each pixel belongs to, nearest ones on top, and its distance from the mesh.

    Returns:
        ``int32 (h, w)``, and ``float32 (h, w)`` in px, 0 inside.

    """
    labels = np.full(size[::-1], -1, np.int32)
    fixed = np.round(shape * 2**_SUBPIXEL_BITS).astype(np.int32)
    far_first = np.argsort(-depth[TRIANGLES].mean(axis=1), kind="stable")
    for triangle in far_first:
        corners = fixed[TRIANGLES[triangle]]
        cv2.fillConvexPoly(labels, corners, int(triangle), cv2.LINE_8, _SUBPIXEL_BITS)
    is_outside = labels < 0
    if not is_outside.any() or is_outside.all():
        return np.maximum(labels, 0), np.zeros(labels.shape, np.float32)
    distance_px, nearest = cv2.distanceTransformWithLabels(
        is_outside.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_nearest = np.zeros(int(nearest.max()) + 1, np.int32)
    of_nearest[nearest[~is_outside]] = labels[~is_outside]
    return np.asarray(of_nearest[nearest], np.int32), np.asarray(distance_px, np.float32)


def _positions(source: Points, shape: Points, labels: _Labels, outside_px: Floats) -> Floats:
    """Each pixel's place in the source by its triangle's affine map.

    A map holds for its triangle and what lies as near to it as the pixel does: those of slivers
    would throw the pixels on their edges far across the picture.
    """
    corners = np.concatenate([shape[TRIANGLES], np.ones((len(TRIANGLES), 3, 1))], axis=2)
    # Lines that close an eye or the mouth have no area; a trace of identity keeps them solvable.
    maps = np.linalg.solve(corners + 1e-7 * np.eye(3), source[TRIANGLES].astype(np.float64))
    maps = maps.astype(np.float32)
    height, width = labels.shape
    x = np.arange(width, dtype=np.float32)[np.newaxis]
    y = np.arange(height, dtype=np.float32)[:, np.newaxis]
    slack_px = 1 + _SLACK * outside_px
    low, high = source[TRIANGLES].min(axis=1), source[TRIANGLES].max(axis=1)
    positions = np.empty((height, width, 2), np.float32)
    for axis in range(2):
        across, down, offset = (maps[:, term, axis][labels] for term in range(3))
        near, far = low[:, axis][labels] - slack_px, high[:, axis][labels] + slack_px
        positions[..., axis] = np.clip(x * across + y * down + offset, near, far)
    return positions


def _relative_areas(source: Points, shape: Points) -> Floats:
    """Signed area of each triangle in the source over that in the shape, by the median."""
    drawn = _areas(shape)
    ratios = _areas(source) / np.where(np.abs(drawn) < 1e-6, 1e-6, drawn)
    return np.asarray(ratios / (abs(np.median(ratios[:SKIN_TRIANGLES])) + 1e-9), np.float32)


def _areas(points: Points) -> npt.NDArray[np.float64]:
    first, second, third = (points[TRIANGLES[:, corner]].astype(np.float64) for corner in range(3))
    one, other = second - first, third - first
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
