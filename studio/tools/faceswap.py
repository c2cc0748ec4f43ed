"""Face swap: faces of a picture become those of others, each with a measure of how well."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from studio.faces.refuse import require_faces
from studio.imaging.grey import is_grey, without_colour
from studio.imaging.picture import Picture
from studio.models.embedding import likeness
from studio.params import MESH, FaceChoice, FaceswapParams, ToolParams
from studio.report import Report
from studio.tools.choice import require_model
from studio.tools.restoration import restore_faces
from studio.tools.spec import ToolInputs, ToolOutput
from studio.tools.swapping.choose import Likeness, choose_swaps
from studio.tools.swapping.mesh_swap import swap_by_mesh
from studio.tools.swapping.network_swap import NetworkSwapper
from studio.tools.swapping.perform import Swapper, perform
from studio.tools.swapping.portrait import Portrait, largest
from studio.tools.swapping.recognise import embedding_of

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_FOUND, _SWAPPED = 0.4, 0.9
"""How far a run is when faces are found, and when all are swapped."""


def run(
    inputs: ToolInputs, params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Replace faces of "image" by those of the "source" pictures.

    Every swap is measured: the face mesh of the result against that of the target. What moved
    too far is taken back. Where each face is, and how far it is off, goes to the report.

    Args:
        inputs: "image", one or more "source", and "reference" for the choice by likeness.
        params: ``FaceswapParams``.
        models: the face search's networks, and those the parameters name.
        report: progress, stages, weights, notes, regions.

    Returns:
        "image", byte-identical away from the faces, grey where it was grey; its alpha as it was.

    Raises:
        UserInputError: ``faceswap.no_face``, ``faceswap.no_source_face``,
            ``faceswap.no_usable_face`` with regions, what ``choose_swaps`` refuses, or
            ``model.other_tool``.
        ModelUnavailableError: a network is not installed.

    """
    if not isinstance(params, FaceswapParams):
        raise TypeError("faceswap takes FaceswapParams")
    if params.model != MESH:
        require_model(models, params.model, "faceswap", "face-swap")
    if params.enhancer is not None:
        require_model(models, params.enhancer, "faceswap", "face-restoration")
    picture = inputs["image"]
    with report.span(0.0, _FOUND):
        sources = _sources(inputs.all("source"), models, report)
        targets = _targets(picture, models, report)
    likeness_to = _likeness(inputs, params, models, report)
    swaps = choose_swaps(params, targets, sources, likeness_to, report)
    with report.span(_FOUND, _SWAPPED):
        swapper = _swapper(params, models, report)
        pixels, swapped = perform(swaps, targets, sources, swapper, params, models, report)
    if params.enhancer is not None:
        with report.span(_SWAPPED, 1.0):
            pixels = restore_faces(
                pixels,
                swapped,
                params.enhancer,
                params.enhancer_blend,
                params.enhancer_fidelity,
                models,
                report,
            )
    if is_grey(picture.pixels):
        pixels = without_colour(pixels)
    return [ToolOutput("image", picture.with_pixels(pixels, picture.alpha))]


def _targets(picture: Picture, models: ModelCache, report: Report) -> list[Portrait]:
    faces = require_faces(picture.pixels, models, report, code="faceswap.no_face")
    return [Portrait(picture.pixels, face) for face in faces]


def _sources(pictures: Sequence[Picture], models: ModelCache, report: Report) -> list[Portrait]:
    """The face of each source picture: of several, the largest."""
    sources = []
    for number, picture in enumerate(pictures, 1):
        faces = require_faces(
            picture.pixels,
            models,
            report,
            code="faceswap.no_source_face",
            where=f"source {number}",
            is_main=False,
        )
        if len(faces) > 1:
            report.note(f"Source {number} shows {len(faces)} faces; the largest was used.")
        sources.append(Portrait(picture.pixels, largest(faces)))
    return sources


def _likeness(
    inputs: ToolInputs, params: FaceswapParams, models: ModelCache, report: Report
) -> Likeness | None:
    """How alike a face and the reference are; None when nobody asks or there is no reference."""
    is_asked = params.faces is None and params.choice is FaceChoice.LIKENESS
    if not is_asked or "reference" not in inputs:
        return None
    picture = inputs["reference"]
    faces = require_faces(
        picture.pixels,
        models,
        report,
        code="faceswap.no_source_face",
        where="the reference",
        is_main=False,
    )
    wanted = embedding_of(Portrait(picture.pixels, largest(faces)), models, report)
    return lambda portrait: likeness(embedding_of(portrait, models, report), wanted)


def _swapper(params: FaceswapParams, models: ModelCache, report: Report) -> Swapper:
    if params.model == MESH:
        return partial(swap_by_mesh, shape=params.shape, occlusion=params.occlusion)
    return NetworkSwapper(params, models, report)
