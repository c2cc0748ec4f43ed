"""Enlarging a drawing that a network made at its own size."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from studio.errors import ModelUnavailableError
from studio.imaging.detail import return_detail
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.models.superres import enlarge, pick_scale
from studio.params.sizes import SLIGHT_RATIO
from studio.report import Report
from studio.words import Message, msg, verbatim

if TYPE_CHECKING:
    from studio.models.cache import Model, ModelCache

_UPSCALER = "realesr-animevideov3"
"""Was trained on drawings, so strokes stay strokes; a fresh studio has it."""


def enlarge_drawing(
    drawn: Pixels, small: Pixels, photo: Pixels, models: ModelCache, report: Report
) -> tuple[Pixels, Message]:
    """Bring a drawing to the size of its photograph.

    Args:
        drawn: RGB ``uint8 (h, w, 3)``.
        small: RGB ``uint8 (h, w, 3)``, what it was drawn from.
        photo: RGB ``uint8 (H, W, 3)``, the same picture at the size wanted.
        models: opens the upscaler of drawings.
        report: progress, weights.

    Returns:
        RGB ``uint8 (H, W, 3)``, and in words what enlarged it.

    """
    ratio = photo.shape[1] / drawn.shape[1]
    if ratio <= SLIGHT_RATIO:
        return return_detail(drawn, small, photo), msg("interpolation")
    model = _open_upscaler(ratio, models, report)
    if model is None:
        how = msg("interpolation, as {model} is not installed", model=_UPSCALER)
        return return_detail(drawn, small, photo), how
    large = enlarge(model, drawn, report, scale=min(model.file.scale or 1, ceil(ratio)))
    return resample(large, photo.shape[1], photo.shape[0]), verbatim(_UPSCALER)


def _open_upscaler(ratio: float, models: ModelCache, report: Report) -> Model | None:
    """The upscaler with the least scale that reaches ``ratio``, or its largest; None without."""
    scale = pick_scale(models.spec(_UPSCALER).scales, ratio)
    try:
        return models.open(_UPSCALER, report, scale=scale)
    except ModelUnavailableError as error:
        if error.code != "model.missing":
            raise
        return None
