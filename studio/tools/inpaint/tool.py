"""Inpainting: the masked pixels of a picture are replaced by what could have been behind them.

Every hole is filled by itself, from a crop of the picture at full size; nothing else is
touched, so a large photograph costs no more than its holes.

Words of this package, which follow the literature on image inpainting:

- *hole*: a connected region of the mask, or a piece of a long one; *open*: neither in a hole nor
  *hidden*, which is under alpha 0; *spared*: visible, and yet not to be copied from.
- *diffusion*: carrying colours in from the rim of a hole, without texture.
- *patch*: a square of pixels, named by its middle one. A *target* patch touches the hole, a
  *source* patch is open and may be copied. *Shift*: the way from a target to its source.
- *coherence*: that neighbouring targets have the same shift, so that whole pieces are copied.
  *Join*: where the shift changes.
- *levels*: of brightness, 0 to 255; in ``levels.py``, of the image pyramid.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from studio.imaging.blend import composite
from studio.imaging.given_mask import mask_levels
from studio.imaging.picture import Picture, Pixels
from studio.imaging.surroundings import fill_hidden, visible_pixels
from studio.params import Filler, InpaintParams, ToolParams
from studio.report import Report
from studio.tools.inpaint.fillers import (
    choose_filler,
    fill_hole,
    filler_name,
)
from studio.tools.inpaint.holes import find_holes
from studio.tools.inpaint.mask import build_mask
from studio.tools.inpaint.people import People
from studio.tools.spec import ToolInputs, ToolOutput
from studio.tools.unused import note_without_effect
from studio.words import msg, msgs

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
    note_without_effect(params, report)
    _note_mask(inputs, report)
    mask = build_mask(inputs, params)
    filled = fill_holes(picture, mask, params, models, report)
    result = composite(filled, mask, picture.pixels)
    return [
        ToolOutput("image", picture.with_pixels(result, picture.alpha)),
        ToolOutput("mask", picture.with_pixels(picture.pixels, mask)),
    ]


def _note_mask(inputs: ToolInputs, report: Report) -> None:
    """Say what of a given mask was read, and that it was stretched."""
    if "mask" not in inputs:
        return
    _, note = mask_levels(inputs["mask"])
    if note is not None:
        report.note(note)
    mask, image = inputs["mask"], inputs["image"]
    if (mask.width, mask.height) != (image.width, image.height):
        report.note(
            msg(
                "The mask was stretched from {mask_width} × {mask_height} to {width} × {height} "
                "px.",
                mask_width=mask.width,
                mask_height=mask.height,
                width=image.width,
                height=image.height,
            )
        )


def fill_holes(
    picture: Picture, mask: Pixels, params: InpaintParams, models: ModelCache, report: Report
) -> Pixels:
    """Fill everything where ``mask``, ``uint8 (H, W)``, is above 0.

    What lies under alpha 0 is neither copied nor carried into a hole.

    Returns:
        RGB ``uint8 (H, W, 3)``; outside of the mask only what is hidden may differ.

    """
    hidden = _hidden(picture)
    holes, closed = find_holes(mask, hidden)
    networks = models.installed_for("inpaint", "inpainting")
    people = People(visible_pixels(picture), models, report)
    # What shall go must not be carried under the alpha, from where it would come back.
    seen = np.where(closed > 0, np.uint8(0), 255 - hidden)
    filled = fill_hidden(picture.pixels, seen) if hidden.any() else picture.pixels.copy()
    used: Counter[str] = Counter()
    for number, hole in enumerate(holes):
        part, closed_here, hidden_here = (
            whole[hole.rows, hole.columns] for whole in (filled, closed, hidden)
        )
        unseen = closed_here | hidden_here
        filler = choose_filler(hole, part, unseen, params.model, networks)
        used[filler] += 1
        with report.span(number / len(holes), (number + 1) / len(holes)):
            report.progress(0)
            spared = np.where(closed_here > 0, np.uint8(0), hidden_here)
            if filler == Filler.PATCHMATCH:
                with report.span(0, _LOOKING_SHARE):
                    spared |= people.to_spare(hole, unseen)
            with report.span(_LOOKING_SHARE, 1):
                answer = fill_hole(
                    filler,
                    np.ascontiguousarray(part),
                    np.ascontiguousarray(closed_here),
                    spared,
                    params.seed,
                    models,
                    report,
                )
        # What is filled counts as open for the next, so that pieces of one hole fit together.
        part[hole.mask > 0] = answer[hole.mask > 0]
        closed_here[hole.mask > 0] = 0
    for filler, count in used.items():
        report.note(
            msgs(
                "Filled one area with {filler}.",
                "Filled {n} areas with {filler}.",
                count,
                filler=filler_name(filler, models),
            )
        )
    return filled


def _hidden(picture: Picture) -> Pixels:
    """255 under alpha 0, ``uint8 (H, W)``."""
    if picture.alpha is None:
        return np.zeros(picture.pixels.shape[:2], np.uint8)
    return np.where(picture.alpha == 0, np.uint8(255), np.uint8(0))
