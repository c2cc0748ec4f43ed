"""FaceMesh: 468 points of one face, and whether it is a face at all.

Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
"""

from __future__ import annotations

from math import atan2, cos, sin

import numpy as np

from studio.faces.crops import Square
from studio.faces.detect import Proposal
from studio.faces.face import Points, eye_distance_px
from studio.faces.networks import answer, sigmoid
from studio.imaging.picture import Pixels
from studio.models.cache import Model

LEAST_SCORE = 0.5
_SIZE_PX = 192
_POINTS = 468
_MARGIN = 1.5
_WORTH_REFINING = 0.3
_MOST_REFINEMENTS = 4
_SETTLED = 0.02
"""Mean move of the points, over the eye distance, below which a further pass wins nothing."""
_RIGHT_CORNER, _LEFT_CORNER = 33, 263
"""Outer corners of the eyes."""


def fit_mesh(model: Model, pixels: Pixels, proposal: Proposal) -> tuple[Points, float]:
    """The mesh of a proposed face, ``float32 (468, 3)`` in px, and the network's belief in it.

    The first pass frames the face by the detector's box and eyes, the next ones by the mesh
    itself until it stays where it is, which forgives a box that is off.
    """
    mesh, score = _run(model, pixels, _around_proposal(proposal))
    for _ in range(_MOST_REFINEMENTS):
        if score < _WORTH_REFINING:
            break
        before = mesh
        mesh, score = _run(model, pixels, around_mesh(mesh))
        if np.abs(mesh - before)[:, :2].mean() < _SETTLED * eye_distance_px(mesh):
            break
    return mesh, score


def refit_mesh(model: Model, pixels: Pixels, mesh: Points) -> Points:
    """Run the mesh network again at the place of ``mesh``, on pixels that were changed since.

    Both meshes are ``float32 (468, 3)`` in px of the picture; how far they lie apart tells what
    the change has moved.
    """
    return _run(model, pixels, around_mesh(mesh))[0]


def around_mesh(mesh: Points) -> Square:
    """The turned square in which the mesh network is to see a face again.

    Level by the eyes of ``mesh``, ``float32 (468, 3)``, and ``_MARGIN`` times as large as the face.
    """
    across = mesh[_LEFT_CORNER, :2] - mesh[_RIGHT_CORNER, :2]
    angle = atan2(across[1], across[0])
    turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    level = mesh[:, :2] @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    return Square((float(x), float(y)), _MARGIN * float((high - low).max()), angle)


def _around_proposal(proposal: Proposal) -> Square:
    across = proposal.points[1] - proposal.points[0]
    x, y = (proposal.box[:2] + proposal.box[2:]) / 2
    side = float((proposal.box[2:] - proposal.box[:2]).max())
    return Square((float(x), float(y)), _MARGIN * side, atan2(across[1], across[0]))


def _run(model: Model, pixels: Pixels, square: Square) -> tuple[Points, float]:
    points, logit = answer(model, square.crop(pixels, _SIZE_PX))
    mesh = square.points_to_picture(points.reshape(_POINTS, 3), _SIZE_PX)
    return mesh, float(sigmoid(logit).ravel()[0])
