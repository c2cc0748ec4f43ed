"""Inpaint: what lies under a mask goes, and the picture closes over it.

Every hole is filled by itself, from a crop of the picture at full size; nothing else is
touched, so a large photograph costs no more than its holes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from studio.imaging.blend import composite
from studio.imaging.picture import Pixels
from studio.params import Filler, InpaintParams, ToolParams
from studio.report import Report
from studio.tools.inpainting.fillers import (
    choose_filler,
    fill_region,
    filler_name,
)
from studio.tools.inpainting.mask import build_mask
from studio.tools.inpainting.people import People
from studio.tools.inpainting.regions import find_regions
from studio.tools.spec import ToolInputs, ToolOutput

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_LOOKING_SHARE = 0.1
"""Of a hole's progress, for the people near it."""


def run(
    inputs: ToolInputs, params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Repaint what the mask covers.

    Args:
        inputs: "image"; optionally "mask", grey or with its own alpha, stretched to the
            picture, and "drawing", painted strokes.
        params: ``InpaintParams``.
        models: opened when a network fills, and where installed to find people near a large hole.
        report: progress, weights, and a note for each way of filling that was used.

    Returns:
        "image", whose pixels outside of the mask are those of the input, and "mask", how far
        each pixel was repainted.

    Raises:
        UserInputError: ``inpaint.nothing_masked``,
            ``inpaint.nothing_to_copy``, ``model.other_tool``.
        ModelUnavailableError: the chosen network is not installed.

    """
    if not isinstance(params, InpaintParams):
        raise TypeError("inpaint takes InpaintParams")
    picture = inputs["image"]
    _note_stretched(inputs, report)
    mask = build_mask(inputs, params)
    filled = fill_holes(picture.pixels, mask, params, models, report)
    result = composite(filled, mask, picture.pixels)
    return [
        ToolOutput("image", picture.with_pixels(result, picture.alpha)),
        ToolOutput("mask", picture.with_pixels(picture.pixels, mask)),
    ]


def _note_stretched(inputs: ToolInputs, report: Report) -> None:
    if "mask" not in inputs:
        return
    sizes = [f"{inputs[role].width} × {inputs[role].height}" for role in ("mask", "image")]
    if sizes[0] != sizes[1]:
        report.note(f"The mask was stretched from {sizes[0]} to {sizes[1]} px.")


def fill_holes(
    pixels: Pixels, mask: Pixels, params: InpaintParams, models: ModelCache, report: Report
) -> Pixels:
    """RGB ``uint8 (H, W, 3)`` with everything filled where ``mask`` is above 0."""
    regions, closed = find_regions(mask)
    networks = models.installed_for("inpaint", "inpainting")
    people = People(pixels, models, report)
    filled = pixels.copy()
    used: Counter[str] = Counter()
    for number, region in enumerate(regions):
        part, closed_here = (whole[region.rows, region.columns] for whole in (filled, closed))
        filler = choose_filler(region, closed_here, params.model, networks)
        used[filler] += 1
        with report.span(number / len(regions), (number + 1) / len(regions)):
            report.progress(0)
            spared = np.zeros_like(closed_here)
            if filler == Filler.PATCHMATCH:
                with report.span(0, _LOOKING_SHARE):
                    spared = people.to_spare(region, closed_here)
            with report.span(_LOOKING_SHARE, 1):
                answer = fill_region(
                    filler,
                    np.ascontiguousarray(part),
                    np.ascontiguousarray(closed_here),
                    spared,
                    params.seed,
                    models,
                    report,
                )
        # What is filled counts as open for the next, so that pieces of one hole fit together.
        part[region.hole > 0] = answer[region.hole > 0]
        closed_here[region.hole > 0] = 0
    for filler, count in used.items():
        areas = "one area" if count == 1 else f"{count} areas"
        report.note(f"Filled {areas} with {filler_name(filler, models)}.")
    return filled
