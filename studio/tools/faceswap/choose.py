"""Which source goes onto which face of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from studio.errors import Region, UserInputError
from studio.faces.regions import region_of
from studio.params import FaceChoice, FaceswapParams
from studio.report import Report
from studio.tools.faceswap.portrait import Portrait
from studio.words import msg, msgs


@dataclass(frozen=True, slots=True)
class Swap:
    """One replacement, by index into targets and sources."""

    target: int
    source: int


Likeness = Callable[[Portrait], float]
"""How alike a face and the reference are, 1 the same."""


def choose_swaps(
    params: FaceswapParams,
    targets: Sequence[Portrait],
    sources: Mapping[int, Portrait],
    source_count: int,
    likeness: Likeness | None,
    report: Report,
) -> list[Swap]:
    """What the parameters ask for, in the order of the targets.

    Args:
        params: ``faces`` when given, else ``choice``.
        targets: the faces of the target, left to right; at least one.
        sources: the face of each source picture by its index, at least of those that are needed.
        source_count: how many source pictures there are.
        likeness: to the reference; needed for the choice by likeness alone.
        report: told of sources that nothing is done with.

    Raises:
        UserInputError: ``faceswap.no_such_face``, ``faceswap.no_such_source``,
            ``faceswap.nothing_chosen``, ``faceswap.nobody_alike``.

    """
    if params.faces is not None:
        swaps = _as_listed(params.faces, targets, source_count)
    elif params.choice is FaceChoice.LARGEST:
        swaps = [Swap(_largest(enumerate(targets)), _largest(sources.items()))]
    elif params.choice is FaceChoice.LEFT_TO_RIGHT:
        swaps = [Swap(i, i) for i in range(min(len(targets), source_count))]
    elif params.choice is FaceChoice.ALL:
        swaps = [Swap(index, 0) for index in range(len(targets))]
    elif likeness is not None:
        swaps = _alike(params.likeness, targets, likeness)
    else:
        raise ValueError("a choice by likeness needs to know it")
    _note_unused(swaps, len(targets), source_count, report)
    return swaps


def _as_listed(
    faces: Sequence[int | None], targets: Sequence[Portrait], source_count: int
) -> list[Swap]:
    swaps = [Swap(index, number - 1) for index, number in enumerate(faces) if number is not None]
    for swap in swaps:
        if swap.target >= len(targets):
            raise UserInputError(
                msgs(
                    "Face {face} was chosen, and {n} face was found in this picture",
                    "Face {face} was chosen, and {n} faces were found in this picture",
                    len(targets),
                    face=swap.target + 1,
                ),
                remedy=msg("Look at the numbers on the picture and choose again."),
                code="faceswap.no_such_face",
                regions=_all_regions(targets),
            )
        if swap.source >= source_count:
            raise UserInputError(
                msgs(
                    "Source {source} was chosen for face {face}, and {n} source was given",
                    "Source {source} was chosen for face {face}, and {n} sources were given",
                    source_count,
                    source=swap.source + 1,
                    face=swap.target + 1,
                ),
                remedy=msg("Add the picture, or choose another source."),
                code="faceswap.no_such_source",
            )
    if not swaps:
        raise UserInputError(
            msg("Every face is to be left alone"),
            remedy=msg("Choose a source for at least one face."),
            code="faceswap.nothing_chosen",
            regions=_all_regions(targets),
        )
    return swaps


def _alike(least: float, targets: Sequence[Portrait], likeness: Likeness) -> list[Swap]:
    found = [likeness(target) for target in targets]
    swaps = [Swap(index, 0) for index, alike in enumerate(found) if alike >= least]
    if not swaps:
        texts = [msg("likeness {share:.2f}", share=alike) for alike in found]
        raise UserInputError(
            msg(
                "Nobody in this picture is like the reference: the nearest is face "
                "{face} with a likeness of {found:.2f}, and {least:.2f} is asked for",
                face=found.index(max(found)) + 1,
                found=max(found),
                least=least,
            ),
            remedy=msg("Ask for less likeness, or choose the face by its number."),
            code="faceswap.nobody_alike",
            regions=[
                region_of(target.face, target.pixels, index + 1, text)
                for index, (target, text) in enumerate(zip(targets, texts, strict=True))
            ],
        )
    return swaps


def _note_unused(swaps: Sequence[Swap], targets: int, sources: int, report: Report) -> None:
    used = {swap.source for swap in swaps}
    if unused := [str(index + 1) for index in range(sources) if index not in used]:
        report.note(msg("Nothing was done with source {sources}.", sources=tuple(unused)))
    chosen = {swap.target for swap in swaps}
    if left := [str(index + 1) for index in range(targets) if index not in chosen]:
        report.note(
            msgs(
                "Face {faces} was not chosen and is left as it was.",
                "Faces {faces} were not chosen and are left as they were.",
                len(left),
                faces=tuple(left),
            )
        )


def _largest(portraits: Iterable[tuple[int, Portrait]]) -> int:
    """The index of the largest face; of equals the first."""
    return max(portraits, key=lambda one: one[1].face.area_px2)[0]


def _all_regions(targets: Sequence[Portrait]) -> list[Region]:
    return [region_of(one.face, one.pixels, index + 1) for index, one in enumerate(targets)]
