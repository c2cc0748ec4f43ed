"""Swap after swap on one picture, each one checked before and measured after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from studio.errors import Region, UserInputError
from studio.faces.face import Face
from studio.faces.mesh import refit_mesh
from studio.faces.regions import region_of
from studio.imaging.picture import Pixels
from studio.params import MESH, FaceswapParams
from studio.report import Report
from studio.tools.faceswap import check
from studio.tools.faceswap.choose import Swap
from studio.tools.faceswap.portrait import Portrait
from studio.words import Message, msg, msgs, paragraph

if TYPE_CHECKING:
    from studio.models.cache import Model, ModelCache

Swapper = Callable[[Pixels, Portrait, Portrait], Pixels]
"""A picture, a face of it as it was, and who it becomes: the picture changed."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one face.

    Attributes:
        number: of the face, from 1.
        portrait: the face as it was.
        shift: how far the mesh moved, as a part of the eye distance; None when nothing was done.
        fault: why it was left as it was; None when it was swapped.

    """

    number: int
    portrait: Portrait
    shift: float | None = None
    fault: check.Fault | None = None

    @property
    def region(self) -> Region:
        swapped = msg("swapped, {shift:.1%} off", shift=self.shift or 0.0)
        text = swapped if self.fault is None else self.fault.reason
        face, pixels = self.portrait.face, self.portrait.pixels
        return region_of(face, pixels, self.number, text, is_fault=self.fault is not None)


def perform(
    swaps: Sequence[Swap],
    targets: Sequence[Portrait],
    sources: Mapping[int, Portrait],
    swapper: Swapper,
    params: FaceswapParams,
    models: ModelCache,
    report: Report,
) -> tuple[Pixels, list[Face]]:
    """The picture with all swaps done that can be, and the faces that were swapped.

    Args:
        swaps: at least one.
        targets: faces of one picture, left to right.
        sources: the face of each source picture that is needed, by its index.
        swapper: does one swap.
        params: its model says whether the source's own pixels are moved, so that its turn of the
            head, its eyes and its light matter.
        models: opens the face mesh, which measures the result.
        report: told what was left out and why, what is doubtful, and where every face is.

    Raises:
        UserInputError: ``faceswap.no_usable_face``, not one swap could be done.
        ModelUnavailableError: a network is not installed.

    """
    mesh = models.open("facemesh", report)
    pixels = targets[0].pixels
    is_warp = params.model == MESH
    outcomes: list[_Outcome] = []
    for index, swap in enumerate(swaps):
        report.progress(index / len(swaps))
        target, source = targets[swap.target], sources[swap.source]
        outcome = _refusal(swap, target, source, is_warp=is_warp)
        if outcome is None:
            swapped = swapper(pixels, target, source)
            outcome = _measure(swap, target, swapped, mesh)
            if outcome.fault is None:
                pixels = swapped
                _note_shift(outcome, report)
                if is_warp:
                    _note_doubts(swap, target, source, params.occlusion, report)
        outcomes.append(outcome)
    _tell(outcomes, report)
    return pixels, [outcome.portrait.face for outcome in outcomes if outcome.fault is None]


def _refusal(swap: Swap, target: Portrait, source: Portrait, *, is_warp: bool) -> _Outcome | None:
    number = swap.source + 1
    fault = check.why_not_target(target.face) or check.why_not_source(source.face, number)
    if fault is None and is_warp:
        fault = check.why_not_pair(source.face, target.face, number)
    return None if fault is None else _Outcome(swap.target + 1, target, fault=fault)


def _measure(swap: Swap, target: Portrait, swapped: Pixels, mesh: Model) -> _Outcome:
    before = target.face.mesh
    shift = check.mesh_shift(before, refit_mesh(mesh, swapped, before))
    fault = check.why_not_result(shift, swap.source + 1)
    return _Outcome(swap.target + 1, target, shift, fault)


def _note_doubts(
    swap: Swap, target: Portrait, source: Portrait, occlusion: bool, report: Report
) -> None:
    face, number = swap.target + 1, swap.source + 1
    pair = check.pair_doubt(source.face, target.face, number, face)
    for doubt in (
        *check.source_doubts(source, number),
        *check.target_doubts(source, target, face, occlusion=occlusion),
        *([pair] if pair else []),
    ):
        report.note(doubt)


def _note_shift(outcome: _Outcome, report: Report) -> None:
    if outcome.shift is not None and outcome.shift > check.DOUBTFUL_SHIFT:
        report.note(
            msg(
                "Face {number} came out {shift:.1%} off: look whether hair or a strong "
                "turn of the head has spoilt it.",
                number=outcome.number,
                shift=outcome.shift,
            )
        )


def _tell(outcomes: Sequence[_Outcome], report: Report) -> None:
    left: dict[check.Fault, list[int]] = {}
    for outcome in outcomes:
        if outcome.fault is not None:
            left.setdefault(outcome.fault, []).append(outcome.number)
    if all(outcome.fault is not None for outcome in outcomes):
        what = [
            msgs(
                "Face {faces}: {reason}",
                "Faces {faces}: {reason}",
                len(numbers),
                faces=_listed(numbers),
                reason=fault.reason,
            )
            for fault, numbers in left.items()
        ]
        raise UserInputError(
            msg("No chosen face can be swapped. {what}", what=_one_by_one(what)),
            remedy=paragraph(dict.fromkeys(fault.remedy for fault in left)),
            code="faceswap.no_usable_face",
            regions=[outcome.region for outcome in outcomes],
        )
    for fault, numbers in left.items():
        report.note(
            msgs(
                "Face {faces} was left as it was: {reason}.",
                "Faces {faces} were left as they were: {reason}.",
                len(numbers),
                faces=_listed(numbers),
                reason=fault.reason,
            )
        )
    for outcome in outcomes:
        report.mark(outcome.region)


def _one_by_one(reasons: Sequence[Message]) -> Message:
    """As "a; b; c"."""
    first, *others = reasons
    return reduce(lambda all, one: msg("{all}; {one}", all=all, one=one), others, first)


def _listed(numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(str, numbers))
