"""What stands before a face: a microphone, a sheet of paper, bars, a hat down to the brows.

Colour alone does not tell it from shade, shine, beards and make-up, so two signs have to meet:
colours that this skin takes in no light, or only in the deepest shade and the brightest shine;
and an edge as firm as only things have. Eyes, brows and lips do not look like skin either, so
nothing is looked for there; what was found beside them goes on over them as far as its colours do.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from studio.faces.face import Points, eye_distance_px
from studio.faces.topology import LEFT_BROW, LEFT_EYE, LIPS, OVAL, RIGHT_BROW, RIGHT_EYE
from studio.models.runtime import Floats
from studio.tools.faceswap.mask import INNER, usual_skin
from studio.tools.faceswap.polygons import disc, grow, polygon, scaled, soften, union

_Flags = npt.NDArray[np.bool_]

_FEATURES = ((RIGHT_EYE, 1.5), (LEFT_EYE, 1.5), (RIGHT_BROW, 1.3), (LEFT_BROW, 1.3), (LIPS, 1.15))
"""Outlines, and how far around them nothing is looked for: lashes, shadow and liner."""
_STRANGE = 24.0
"""Distance in a and b from the skin in this light."""
_DARK, _BLACK = 0.42, 0.5
"""Lightness, and colourfulness for that lightness, over the skin's, of what is as good as black."""
_LIGHT, _PALE = 1.05, 0.35
"""Lightness over the skin's, and colourfulness over the skin's, of what is as good as white."""
_LEAST_SHARE = 0.01
"""Of the area between brows and chin: smaller spots are moles, jewels and paint."""
_FIRM = 0.8
"""The step across the edge over what lies between thing and skin. Drawn things have 0.89 or more;
hair, shade, paint and coloured light on 17 bare faces up to 0.74."""
_SAME_COLOUR = 20.0
"""In Lab, from a thing beside a feature to its part before it."""
_REACH, _THIN, _NEAR, _EDGE = 0.12, 0.015, 0.03, 0.02
"""As parts of the eye distance: how far from brows and chin things matter, half the width of the
thinnest, across how much of an edge steps are measured, and how wide mixed colours are."""


def find_cover(lab: Floats, mesh: Points) -> Floats:
    """How far each pixel shows something before the face, ``float32 (h, w)``, 0 to 1.

    What has the colours of this skin, as a hand, is not found.

    Args:
        lab: ``float32 (h, w, 3)``, L 0 to 100.
        mesh: ``float32 (468, 2 or 3)`` in px of ``lab``.

    """
    size = (lab.shape[1], lab.shape[0])
    eyes_px = eye_distance_px(mesh)
    smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.8, 0.012 * eyes_px)), np.float32)
    inner = polygon(size, mesh[list(INNER), :2])
    around = _grown(inner > 0, _REACH * eyes_px)
    features = _features(size, mesh, eyes_px)
    skin, _ = usual_skin(smooth, mesh)
    kinds = _kinds(smooth, skin)
    strange = np.any(kinds, axis=0)
    outline = polygon(size, mesh[list(OVAL), :2])
    face, near = outline > 0, _grown(outline > 0, _REACH * eyes_px)
    cover = np.zeros(face.shape, np.bool_)
    for kind in kinds:
        for seeds in _parts(kind & face & ~features, around, inner, eyes_px):
            thing = _continued(smooth, seeds, (features | strange) & near)
            if _firmness(smooth, thing, face & ~strange, skin, eyes_px) > _FIRM:
                cover |= thing
    if not cover.any():
        return cover.astype(np.float32)
    return soften(grow(cover.astype(np.float32), _EDGE * eyes_px), 0.01 * eyes_px)


def _features(size: tuple[int, int], mesh: Points, eyes_px: float) -> _Flags:
    """Eyes, brows and lips with what surrounds them, ``bool (h, w)``."""
    outlines = [scaled(mesh[list(part), :2], factor) for part, factor in _FEATURES]
    return union(size, outlines, 0.03 * eyes_px) > 0.15


def _kinds(lab: Floats, skin: Floats) -> list[_Flags]:
    """Where no light makes skin of Lab ``skin`` look so, and where only the ends of it do.

    Returns:
        ``bool (h, w)`` for what is coloured, black and white, each pixel in one at most.

    """
    lightness, colours = lab[..., 0], lab[..., 1:]
    lit = np.clip(lightness / (skin[0] + 1e-3), 0.3, 1.15)
    is_coloured = _length(colours - skin[1:] * lit[..., np.newaxis]) > _STRANGE
    colourfulness = _length(colours) / (np.linalg.norm(skin[1:]) + 1e-3)
    is_white = (lightness > _LIGHT * skin[0]) & (colourfulness < _PALE)
    # Skin in the shade is as colourful for its lightness as it is in the light.
    is_black = (lightness < _DARK * skin[0]) & (colourfulness < _BLACK * lit)
    return [is_coloured, is_black & ~is_coloured, is_white & ~is_coloured]


def _parts(kind: _Flags, around: _Flags, inner: Floats, eyes_px: float) -> list[_Flags]:
    """The coherent parts of one kind that are large enough ``around`` the inner face."""
    opened = cv2.morphologyEx(kind.astype(np.uint8), cv2.MORPH_OPEN, disc(_THIN * eyes_px))
    _, labels = cv2.connectedComponents(opened)
    areas_px = np.bincount(labels[around], minlength=1)
    is_large = areas_px >= _LEAST_SHARE * inner.sum()
    return [labels == label for label in np.flatnonzero(is_large[1:]) + 1]


def _continued(lab: Floats, seeds: _Flags, zone: _Flags) -> _Flags:
    """``seeds`` with what hangs together with them in ``zone`` and has the nearest one's colour."""
    _, nearest = cv2.distanceTransformWithLabels(
        (~seeds).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    colours[nearest[seeds]] = lab[seeds]
    is_alike = _length(lab - colours[nearest]) < _SAME_COLOUR
    _, labels = cv2.connectedComponents((seeds | (is_alike & zone)).astype(np.uint8))
    return np.isin(labels, np.unique(labels[seeds]))


def _firmness(lab: Floats, thing: _Flags, bare: _Flags, skin: Floats, eyes_px: float) -> float:
    """The median step at the edge between ``thing`` and ``bare`` skin, over their distance."""
    reach = _NEAR * eyes_px
    edge = _grown(thing, reach / 2) & bare & ~thing
    if edge.sum() < reach * eyes_px / 8:
        return 0.0
    around = disc(reach)
    steps = _length(cv2.dilate(lab, around) - cv2.erode(lab, around))
    between = float(np.linalg.norm(np.median(lab[thing], axis=0) - skin))
    return float(np.median(steps[edge])) / between


def _grown(flags: _Flags, distance_px: float) -> _Flags:
    """``flags`` dilated by a disc; three times as fast in bytes as in floats."""
    return np.asarray(cv2.dilate(flags.astype(np.uint8), disc(distance_px)) > 0)


def _length(vectors: Floats) -> Floats:
    """Of ``float32 (h, w, n)``, n small: the same sums as NumPy's norm, several times as fast."""
    first, *others = np.moveaxis(vectors, 2, 0)
    squares = first * first
    for plane in others:
        squares += plane * plane
    return np.asarray(np.sqrt(squares), np.float32)
