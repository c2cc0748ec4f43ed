"""Face swap: faces of a picture become those of others, each with a measure of how well."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from studio.faces.refuse import require_faces
from studio.imaging.grey import find_tone
from studio.imaging.picture import Picture
from studio.imaging.surroundings import visible_pixels
from studio.models.embedding import likeness
from studio.params import MESH, FaceswapParams, ToolParams
from studio.report import Report
from studio.tools.choice import require_model
from studio.tools.faceswap.choose import Likeness, choose_swaps
from studio.tools.faceswap.mesh_swap import swap_by_mesh
from studio.tools.faceswap.network_swap import NetworkSwapper
from studio.tools.faceswap.perform import Swapper, perform
from studio.tools.faceswap.portrait import Portrait, largest
from studio.tools.faceswap.recognise import embedding_of
from studio.tools.restoration import has_fidelity, restore_faces
from studio.tools.spec import ToolInputs, ToolOutput
from studio.tools.unused import note_unused, note_without_effect
from studio.words import msg, msgs

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
        "image", byte-identical away from the faces, grey or toned as it was; its alpha as it was.

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
    if params.restore_model is not None:
        require_model(models, params.restore_model, "faceswap", "face-restoration")
    if lack := params.lacks(inputs):
        raise lack
    _note_unused(params, models, report)
    picture = inputs["image"]
    with report.span(0.0, _FOUND):
        sources = _sources(inputs, params, models, report)
        targets = _targets(picture, models, report)
    likeness_to = _likeness(inputs, params, models, report)
    source_count = len(inputs.all("source"))
    swaps = choose_swaps(params, targets, sources, source_count, likeness_to, report)
    with report.span(_FOUND, _SWAPPED):
        swapper = _swapper(params, models, report)
        pixels, swapped = perform(swaps, targets, sources, swapper, params, models, report)
    if params.restore_model is not None:
        with report.span(_SWAPPED, 1.0):
            pixels = restore_faces(
                pixels,
                swapped,
                params.restore_model,
                params.restore_blend,
                params.restore_fidelity,
                models,
                report,
            )
    if (tone := find_tone(targets[0].pixels)) is not None:
        pixels = tone.applied_where_changed(pixels, targets[0].pixels)
    if picture.alpha is not None:
        pixels = np.where(picture.alpha[..., np.newaxis] > 0, pixels, picture.pixels)
    return [ToolOutput("image", picture.with_pixels(pixels, picture.alpha))]


def _note_unused(params: FaceswapParams, models: ModelCache, report: Report) -> None:
    """Say which of the parameters that were set decide nothing in this run."""
    note_without_effect(params, report)
    if params.restore_model is not None and not has_fidelity(models.spec(params.restore_model)):
        because = msg("{model} has no such setting", model=params.restore_model)
        note_unused(params, "restore_fidelity", because=because, report=report)


def _targets(picture: Picture, models: ModelCache, report: Report) -> list[Portrait]:
    pixels = visible_pixels(picture)
    faces = require_faces(pixels, models, report, code="faceswap.no_face")
    return [Portrait(pixels, face) for face in faces]


def _sources(
    inputs: ToolInputs, params: FaceswapParams, models: ModelCache, report: Report
) -> dict[int, Portrait]:
    """The face of each source picture by its index: of several, the largest.

    Where faces are chosen one by one, sources that no face gets need not show any.
    """
    sources = {}
    for number, picture in enumerate(inputs.all("source"), 1):
        if params.faces is not None and number not in params.faces:
            continue
        pixels = visible_pixels(picture)
        with inputs.naming("source", number):
            faces = require_faces(
                pixels,
                models,
                report,
                code="faceswap.no_source_face",
                where=msg("source {number}", number=number),
                is_main=False,
            )
        if len(faces) > 1:
            report.note(
                msgs(
                    "Source {number} shows {n} face; the largest was used.",
                    "Source {number} shows {n} faces; the largest was used.",
                    len(faces),
                    number=number,
                )
            )
        sources[number - 1] = Portrait(pixels, largest(faces))
    return sources


def _likeness(
    inputs: ToolInputs, params: FaceswapParams, models: ModelCache, report: Report
) -> Likeness | None:
    """How alike a face and the reference are; None when faces are chosen otherwise."""
    if not params.is_by_likeness:
        return None
    pixels = visible_pixels(inputs["reference"])
    with inputs.naming("reference"):
        faces = require_faces(
            pixels,
            models,
            report,
            code="faceswap.no_source_face",
            where=msg("the reference"),
            is_main=False,
        )
    wanted = embedding_of(Portrait(pixels, largest(faces)), models, report)
    return lambda portrait: likeness(embedding_of(portrait, models, report), wanted)


def _swapper(params: FaceswapParams, models: ModelCache, report: Report) -> Swapper:
    if params.model == MESH:
        return partial(swap_by_mesh, shape=params.shape, occlusion=params.occlusion)
    return NetworkSwapper(params, models, report)
