"""The sepia tool: pixels in, pixels out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from darkroom_sepia.params import SepiaParams
from studio.tools.spec import RESULT_ROLE, ToolInputs, ToolOutput

if TYPE_CHECKING:
    from studio.models.cache import ModelCache
    from studio.report import Report

_GREY = np.array([0.299, 0.587, 0.114])


def run(
    inputs: ToolInputs,
    params: SepiaParams,
    models: ModelCache,
    report: Report,
) -> list[ToolOutput]:
    """Tone "image", where "where" is white if that is given, and add the margin."""
    picture = inputs["image"]
    tint = np.array([int(params.tint[at : at + 2], 16) for at in (1, 3, 5)])
    toned = (picture.pixels @ _GREY)[..., None] / 255 * (255 + tint) / 2
    share = np.full((picture.height, picture.width, 1), params.strength)
    if "where" in inputs:
        share *= inputs["where"].pixels[..., :1] / 255
    pixels = np.rint(picture.pixels * (1 - share) + toned * share).astype(np.uint8)
    report.progress(1.0)
    margin_px = params.margin_px or 0
    edges = ((margin_px, margin_px), (margin_px, margin_px))
    pixels = np.pad(pixels, (*edges, (0, 0)), constant_values=255)
    alpha = picture.alpha
    if alpha is not None:
        alpha = np.pad(alpha, edges, constant_values=255)
    return [ToolOutput(RESULT_ROLE, picture.with_pixels(pixels, alpha))]
