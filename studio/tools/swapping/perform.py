"""Swap after swap on one picture, each one checked before and measured after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.errors import Region, UserInputError
from studio.faces.face import Face
from studio.faces.mesh import refit_mesh
from studio.faces.regions import region_of
from studio.imaging.picture import Pixels
from studio.report import Report
from studio.tools.swapping import check
from studio.tools.swapping.choose import Swap
from studio.tools.swapping.portrait import Portrait

if TYPE_CHECKING:
    from studio.models.cache import Model, ModelCache

Swapper = Callable[[Pixels, Face, Portrait], Pixels]
"""A picture, a face of it, and who it becomes: the picture changed."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one face.

    Attributes:
        number: of the face, from 1.
        portrait: the face as it was.
        shift: how far the mesh moved, as a part of the eye distance; None when nothing was done.
        fault: why it was left as it was, as the end of a sentence; None when it was swapped.

    """

    number: int
    portrait: Portrait
    shift: float | None = None
    fault: str | None = None

    @property
    def region(self) -> Region:
        is_fault = self.fault is not None
        text = self.fault or f"swapped, {per_cent(self.shift or 0.0)} off"
        face, pixels = self.portrait.face, self.portrait.pixels
        return region_of(face, pixels, self.number, text, is_fault=is_fault)


def perform(
    swaps: Sequence[Swap],
    targets: Sequence[Portrait],
    sources: Sequence[Portrait],
    swapper: Swapper,
    models: ModelCache,
    report: Report,
    *,
    is_warp: bool,
) -> tuple[Pixels, list[Face]]:
    """The picture with all swaps done that can be, and the faces that were swapped.

    Args:
        swaps: at least one.
        targets: faces of one picture, left to right.
        sources: one face a source picture.
        swapper: does one swap.
        models: opens the face mesh, which measures the result.
        report: told what was left out and why, what is doubtful, and where every face is.
        is_warp: whether the swapper moves the source's own pixels, so that its turn of the
            head, its eyes and its light matter.

    Raises:
        UserInputError: ``faceswap.no_usable_face``, not one swap could be done.
        ModelUnavailableError: a network is not installed.

    """
    mesh = models.open("facemesh", report)
    pixels = targets[0].pixels
    outcomes: list[_Outcome] = []
    for index, swap in enumerate(swaps):
        report.progress(index / len(swaps))
        target, source = targets[swap.target], sources[swap.source]
        outcome = _refusal(swap, target, source, is_warp=is_warp)
        if outcome is None:
            swapped = swapper(pixels, target.face, source)
            outcome = _measure(swap, target, swapped, mesh)
            if outcome.fault is None:
                pixels = swapped
                _note_shift(outcome, report)
                if is_warp:
                    _note_doubts(swap, target, source, report)
        outcomes.append(outcome)
    _tell(outcomes, report)
    return pixels, [outcome.portrait.face for outcome in outcomes if outcome.fault is None]


def per_cent(part: float) -> str:
    """Such as “1.8 %”."""
    return f"{100 * part:.1f} %"


def _refusal(swap: Swap, target: Portrait, source: Portrait, *, is_warp: bool) -> _Outcome | None:
    fault = check.why_not_target(target.face)
    of_source = check.why_not_source(source.face)
    if fault is None and of_source is not None:
        fault = f"its source {swap.source + 1} cannot be used: {of_source}"
    if fault is None and is_warp:
        fault = check.why_not_pair(source.face, target.face)
    return None if fault is None else _Outcome(swap.target + 1, target, fault=fault)


def _measure(swap: Swap, target: Portrait, swapped: Pixels, mesh: Model) -> _Outcome:
    before = target.face.mesh
    shift = check.mesh_shift(before, refit_mesh(mesh, swapped, before))
    fault = None
    if shift > check.MOST_SHIFT:
        fault = (
            f"the result is {per_cent(shift)} off where {per_cent(check.MOST_SHIFT)} is allowed; "
            f"source {swap.source + 1} does not fit this face"
        )
    return _Outcome(swap.target + 1, target, shift, fault)


def _note_doubts(swap: Swap, target: Portrait, source: Portrait, report: Report) -> None:
    name = f"Source {swap.source + 1}"
    for doubt in check.source_doubts(source):
        report.note(f"{name} {doubt}.")
    if (worn := check.target_doubt(target)) is not None:
        report.note(f"Face {swap.target + 1} {worn}.")
    if (turn := check.pair_doubt(source.face, target.face)) is not None:
        report.note(f"{name} {turn}; for face {swap.target + 1} choose one that looks ahead.")


def _note_shift(outcome: _Outcome, report: Report) -> None:
    if outcome.shift is not None and outcome.shift > check.DOUBTFUL_SHIFT:
        report.note(
            f"Face {outcome.number} came out {per_cent(outcome.shift)} off: look whether hair or "
            "a strong turn of the head has spoilt it."
        )


def _tell(outcomes: Sequence[_Outcome], report: Report) -> None:
    failed = [outcome for outcome in outcomes if outcome.fault is not None]
    if len(failed) == len(outcomes):
        what = "; ".join(f"face {outcome.number}: {outcome.fault}" for outcome in failed)
        raise UserInputError(
            f"No chosen face can be swapped: {what}",
            remedy="Choose faces that look towards the camera, or another source.",
            code="faceswap.no_usable_face",
            regions=[outcome.region for outcome in outcomes],
        )
    for outcome in failed:
        report.note(f"Face {outcome.number} was left as it was: {outcome.fault}.")
    for outcome in outcomes:
        report.mark(outcome.region)
