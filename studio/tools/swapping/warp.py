"""The source's skin on the target's face: one affine map a mesh triangle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.face import Points
from studio.faces.topology import SKIN_TRIANGLES, SYMMETRY, TRIANGLES
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats

_Labels = npt.NDArray[np.int32]

_SUBPIXEL_BITS = 4
_HIDDEN, _SHOWN = 0.22, 0.52
"""Area of a source triangle over that of its target, by the median: below the first it shows
nothing worth having, from the second on it is taken as it is."""
_MIRROR_HIDDEN, _MIRROR_SHOWN = 0.15, 0.40
_OPENING_SHOWN = 0.15
"""The triangles across eyes and mouth close with them, which hides nothing."""
_SLACK = 1.5
"""How fast a triangle's map may leave the triangle, in px of the source a px of the patch."""
_TRANSITION = 0.10
"""Softness between the direct and the mirrored half, as a part of the eye distance."""


@dataclass(frozen=True, slots=True)
class FaceWarp:
    """Where each pixel of a patch comes from in the source.

    Attributes:
        direct: ``float32 (h, w, 2)``, x and y in px of the source.
        mirrored: the same by the other half of the face, for what the source hides; None when
            it hides nothing.
        directness: ``float32 (h, w)``, 1 = take ``direct``, 0 = take ``mirrored``.
        reach: ``float32 (h, w)``, how well the source shows the pixel by either way.

    """

    direct: Floats
    mirrored: Floats | None
    directness: Floats
    reach: Floats

    def sample(self, source: Pixels) -> Pixels:
        """The source's pixels in the patch, RGB ``uint8 (h, w, 3)``."""
        seen = _remap(source, self.direct)
        if self.mirrored is None:
            return seen
        other = _remap(source, self.mirrored)
        return np.asarray(
            cv2.blendLinear(seen, other, self.directness, 1 - self.directness), np.uint8
        )

    def resized(self, size: tuple[int, int], source_factor: float) -> FaceWarp:
        """The warp for a patch of ``size`` and a source enlarged by ``source_factor``.

        The maps are affine piece by piece, so that enlarging them loses nothing.
        """

        def positions(old: Floats) -> Floats:
            enlarged = np.asarray(cv2.resize(old, size, interpolation=cv2.INTER_LINEAR), np.float32)
            return (enlarged + np.float32(0.5)) * np.float32(source_factor) - np.float32(0.5)

        def shares(old: Floats) -> Floats:
            return np.asarray(cv2.resize(old, size, interpolation=cv2.INTER_LINEAR), np.float32)

        return replace(
            self,
            direct=positions(self.direct),
            mirrored=None if self.mirrored is None else positions(self.mirrored),
            directness=shares(self.directness),
            reach=shares(self.reach),
        )


def fit_warp(source: Points, shape: Points, depth: Points, size: tuple[int, int]) -> FaceWarp:
    """The warp that carries a source mesh onto ``shape``.

    Outside the mesh the nearest triangle's map goes on, so that soft masks find skin there.
    Where the source is turned away, its other half, mirrored, stands in.

    Args:
        source: ``float32 (468, 2)`` in px of the source.
        shape: ``float32 (468, 2)`` in px of the patch.
        depth: ``float32 (468,)``, smaller is nearer; decides what covers what.
        size: width and height of the patch.

    """
    labels, outside_px = _label_triangles(shape, depth, size)
    eyes_px = float(np.linalg.norm(shape[33] - shape[263]))
    other = source[SYMMETRY]
    shown = np.clip((_relative_areas(source, shape) - _HIDDEN) / (_SHOWN - _HIDDEN), 0, 1)
    opening = _relative_areas(source, shape)[SKIN_TRIANGLES:]
    shown[SKIN_TRIANGLES:] = opening > _OPENING_SHOWN
    # Symmetry turns triangles inside out.
    span = _MIRROR_SHOWN - _MIRROR_HIDDEN
    shown_mirrored = np.clip((-_relative_areas(other, shape) - _MIRROR_HIDDEN) / span, 0, 1)
    directness = _soften(shown[labels], _TRANSITION * eyes_px)
    is_whole = bool(directness.min() > 0.98)
    return FaceWarp(
        direct=_positions(source, shape, labels, outside_px),
        mirrored=None if is_whole else _positions(other, shape, labels, outside_px),
        directness=directness,
        reach=_soften(np.maximum(shown, shown_mirrored)[labels], 0.06 * eyes_px),
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


def _soften(values: Floats, sigma_px: float) -> Floats:
    blurred = cv2.GaussianBlur(values.astype(np.float32), (0, 0), max(sigma_px, 0.3))
    return np.asarray(blurred, np.float32)


def _remap(source: Pixels, positions: Floats) -> Pixels:
    return np.asarray(
        cv2.remap(
            source,
            positions[..., 0],
            positions[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT,
        ),
        np.uint8,
    )
