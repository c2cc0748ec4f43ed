"""Finding faces: two detectors propose, the mesh network confirms and measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from studio.faces.detect import Detectors, Proposal, overlaps, suppress
from studio.faces.eyes import look_at_eyes
from studio.faces.face import Face, Points, eye_distance_px
from studio.faces.mesh import LEAST_SCORE, fit_mesh
from studio.imaging.picture import Pixels
from studio.report import Report

if TYPE_CHECKING:
    from studio.models.cache import Model, ModelCache

_SAME = 0.5
"""Two boxes that share this much of the smaller one show the same face."""

_Propose = Callable[[Detectors, Pixels, Report], list[Proposal]]
_ATTEMPTS: tuple[tuple[bool, _Propose], ...] = (
    (False, Detectors.propose),
    (False, Detectors.propose_turned),
    (True, partial(Detectors.propose_with_border, share=0.25)),
    (True, partial(Detectors.propose_with_border, share=0.5)),
    (True, partial(Detectors.propose_with_border, share=1.0)),
)
"""How faces are proposed, and whether only while none was found."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search came to.

    Attributes:
        faces: left to right.
        doubtful: what a detector took for a face and the mesh network did not.

    """

    faces: tuple[Face, ...]
    doubtful: tuple[Proposal, ...]


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
    sightings: list[_Sighting] = []
    doubtful: list[Proposal] = []
    for is_last_resort, propose in _ATTEMPTS:
        if not (is_last_resort and sightings):
            # The detectors are surest of a head the right way up: the best score has its turn.
            proposals = [
                one
                for one in propose(networks.detectors, pixels, report)
                if all(seen.proposal.score < one.score for seen in _seen_at(one, sightings))
            ]
            seen, others = _confirm(proposals, pixels, networks.mesh, report)
            sightings, doubtful = _each_once(sightings + seen), doubtful + others
    faces = [one.face(pixels, networks.iris) for one in sightings]
    return Search(
        faces=tuple(sorted(faces, key=_from_the_left)),
        doubtful=tuple(suppress([one for one in doubtful if not _seen_at(one, sightings)])),
    )


def _confirm(
    proposals: Sequence[Proposal], pixels: Pixels, model: Model, report: Report
) -> tuple[list[_Sighting], list[Proposal]]:
    """The faces among the proposals, and what is none."""
    sightings, doubtful = [], []
    for proposal in proposals:
        report.check()
        mesh, score = fit_mesh(model, pixels, proposal)
        if score > LEAST_SCORE:
            sightings.append(_Sighting(proposal, mesh, score))
        else:
            doubtful.append(proposal)
    return sightings, doubtful


@dataclass(frozen=True, slots=True, eq=False)
class _Sighting:
    """A confirmed proposal whose eyes nobody looked at yet."""

    proposal: Proposal
    mesh: Points
    score: float

    @property
    def extent(self) -> Points:
        """Left, top, right, bottom of the mesh."""
        flat = self.mesh[:, :2]
        return np.concatenate([flat.min(axis=0), flat.max(axis=0)])

    @property
    def weight(self) -> float:
        """Belief in the face times eye distance in px; of two that overlap, the greater stays."""
        return self.proposal.score * self.score * eye_distance_px(self.mesh)

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


def _seen_at(proposal: Proposal, sightings: Sequence[_Sighting]) -> list[_Sighting]:
    """The faces already seen where ``proposal`` has one."""
    if not sightings:
        return []
    shares = overlaps(proposal.box, np.stack([one.proposal.box for one in sightings]))[1]
    return [one for one, share in zip(sightings, shares, strict=True) if share > _SAME]


def _each_once(sightings: Sequence[_Sighting]) -> list[_Sighting]:
    """Of several sightings of one face, the largest and surest."""
    kept: list[_Sighting] = []
    for one in sorted(sightings, key=lambda one: -one.weight):
        if not kept or overlaps(one.extent, np.stack([o.extent for o in kept]))[1].max() < _SAME:
            kept.append(one)
    return kept


def _from_the_left(face: Face) -> tuple[float, float]:
    return float(face.mesh[:, 0].mean()), face.box[1]
