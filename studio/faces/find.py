"""Finding faces: two detectors propose, the mesh network confirms and measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.faces.detect import Detectors, Proposal
from studio.faces.eyes import look_at_eyes
from studio.faces.face import Face, Points, eye_distance_px
from studio.faces.mesh import LEAST_SCORE, fit_mesh
from studio.imaging.picture import Pixels
from studio.report import Report

if TYPE_CHECKING:
    from studio.models.cache import Model, ModelCache

_SAME_FACE = 0.6
"""Meshes whose middles are nearer than this many eye distances are one face."""
_BORDERS = (0.25, 0.5)
"""Over the sides: what is put around a picture whose head may fill the frame."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search came to.

    Attributes:
        faces: left to right.
        doubtful: what a detector took for a face and the mesh network did not.
        width_px: of the picture.
        height_px: of the picture.

    """

    faces: tuple[Face, ...]
    doubtful: tuple[Proposal, ...]
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class _Networks:
    detectors: Detectors
    mesh: Model
    iris: Model


def find_faces(pixels: Pixels, models: ModelCache, report: Report) -> list[Face]:
    """Every face of a picture, left to right.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        models: opens the default detectors, the mesh and the iris network.
        report: told which weights were used.

    Raises:
        ModelUnavailableError: a network is not installed.

    """
    return list(search_faces(pixels, models, report).faces)


def search_faces(pixels: Pixels, models: ModelCache, report: Report) -> Search:
    """As ``find_faces``, with what is needed to say why there is none.

    Where nothing is found, a border is added before giving up: the detectors have learned
    heads with something around them.
    """
    networks = _Networks(
        Detectors(models.open("blazeface-short", report), models.open("blazeface-full", report)),
        models.open("facemesh", report),
        models.open("iris-landmark", report),
    )
    pixels = np.ascontiguousarray(pixels)
    proposals = networks.detectors.propose(pixels, report)
    faces, doubtful = _confirm(proposals, pixels, networks, report)
    for border in _BORDERS:
        if faces:
            break
        proposals = _propose_with_border(pixels, border, networks, report)
        faces, more = _confirm(proposals, pixels, networks, report)
        doubtful += more
    height, width = pixels.shape[:2]
    return Search(tuple(_left_to_right(faces)), tuple(doubtful), width, height)


def _propose_with_border(
    pixels: Pixels, border: float, networks: _Networks, report: Report
) -> list[Proposal]:
    """Proposals on the picture with a border around it, in px of the picture itself."""
    height, width = pixels.shape[:2]
    across, down = round(width * border), round(height * border)
    wide = cv2.copyMakeBorder(pixels, down, down, across, across, cv2.BORDER_REPLICATE)
    found = networks.detectors.propose(np.asarray(wide, np.uint8), report, with_tiles=False)
    return [one.moved(np.array([-across, -down], np.float32)) for one in found]


def _confirm(
    proposals: Sequence[Proposal], pixels: Pixels, networks: _Networks, report: Report
) -> tuple[list[Face], list[Proposal]]:
    """The faces among the proposals, and what is none."""
    sightings, doubtful = [], []
    for proposal in proposals:
        report.progress(1.0)
        mesh, score = fit_mesh(networks.mesh, pixels, proposal)
        if score > LEAST_SCORE:
            sightings.append(_Sighting(proposal, mesh, score))
        else:
            doubtful.append(proposal)
    return [one.face(pixels, networks.iris) for one in _each_once(sightings)], doubtful


@dataclass(frozen=True, slots=True, eq=False)
class _Sighting:
    """A confirmed proposal whose eyes nobody looked at yet."""

    proposal: Proposal
    mesh: Points
    score: float

    @property
    def middle(self) -> Points:
        return np.asarray(self.mesh[:, :2].mean(axis=0), np.float32)

    @property
    def size_px(self) -> float:
        return eye_distance_px(self.mesh)

    def face(self, pixels: Pixels, iris: Model) -> Face:
        left, top, right, bottom = (float(side) for side in self.proposal.box)
        right_eye, left_eye = look_at_eyes(iris, pixels, self.mesh)
        return Face(
            box=(left, top, right, bottom),
            score=self.proposal.score,
            mesh=self.mesh,
            mesh_score=self.score,
            right_eye=right_eye,
            left_eye=left_eye,
        )


def _each_once(sightings: Sequence[_Sighting]) -> list[_Sighting]:
    """Of several sightings of one face, the largest and surest."""
    kept: list[_Sighting] = []
    for one in sorted(sightings, key=lambda one: -one.proposal.score * one.size_px):
        gaps = [float(np.linalg.norm(one.middle - other.middle)) for other in kept]
        if all(gap > _SAME_FACE * other.size_px for gap, other in zip(gaps, kept, strict=True)):
            kept.append(one)
    return kept


def _left_to_right(faces: Sequence[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: (float(face.mesh[:, 0].mean()), face.box[1]))
