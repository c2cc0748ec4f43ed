"""Upscale: enlargement by a network, finished by interpolation where sizes do not meet."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.imaging.surroundings import fill_hidden
from studio.models.superres import enlarge
from studio.params import INTERPOLATION, ToolParams, UpscaleParams
from studio.report import Report
from studio.tools.choice import chosen_model
from studio.tools.estimate import output_size
from studio.tools.spec import ToolOutput

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_FLAT_REACH_PX = 2
"""Alpha that is flat this far around stays exactly flat."""


def run(
    inputs: Mapping[str, Picture], params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Enlarge "image" by ``params.scale``, or to ``params.target_width_px``.

    Args:
        inputs: "image".
        params: ``UpscaleParams``.
        models: opened unless the model is classic interpolation.
        report: progress, stages, weights, notes.

    Returns:
        "image" at exactly ``estimate.output_size``, alpha enlarged with it.

    Raises:
        UserInputError: ``upscale.not_larger`` or ``model.other_tool``.
        ModelUnavailableError: the model's weights are not installed.

    """
    if not isinstance(params, UpscaleParams):
        raise TypeError("upscale takes UpscaleParams")
    picture = inputs["image"]
    width_px, height_px = output_size(params, picture.width, picture.height)
    if picture.alpha is None:
        pixels = _enlarge(picture.pixels, params.model, (width_px, height_px), models, report)
        return [ToolOutput("image", picture.with_pixels(pixels))]
    visible = fill_hidden(picture.pixels, picture.alpha)
    with report.span(0.0, 0.5):
        pixels = _enlarge(visible, params.model, (width_px, height_px), models, report)
    with report.span(0.5, 1.0):
        alpha = _enlarge_alpha(picture.alpha, params.model, (width_px, height_px), models, report)
    return [ToolOutput("image", picture.with_pixels(pixels, alpha))]


def pick_scale(scales: tuple[int, ...], ratio: float) -> int:
    """The smallest of a network's ``scales`` that reaches ``ratio``, else its largest."""
    return min((scale for scale in scales if scale >= ratio), default=max(scales))


def _enlarge(
    pixels: Pixels, model_id: str, size: tuple[int, int], models: ModelCache, report: Report
) -> Pixels:
    """RGB ``pixels`` at exactly ``size``, by network as far as it reaches."""
    if model_id != INTERPOLATION:
        pixels = _enlarge_by_network(pixels, model_id, size[0] / pixels.shape[1], models, report)
    return pixels if pixels.shape[1::-1] == size else resample(pixels, *size)


def _enlarge_alpha(
    alpha: Pixels, model_id: str, size: tuple[int, int], models: ModelCache, report: Report
) -> Pixels:
    """``alpha`` at ``size``; the network sees it as a grey picture and keeps outlines crisp."""
    if model_id == INTERPOLATION:
        return resample(alpha, *size)
    grey = np.repeat(alpha[..., np.newaxis], 3, axis=2)
    enlarged = cv2.cvtColor(_enlarge(grey, model_id, size, models, report), cv2.COLOR_RGB2GRAY)
    # Networks miss pure black and white by a level or more, which would show as a veil.
    kernel = np.ones((2 * _FLAT_REACH_PX + 1,) * 2, np.uint8)
    is_opaque = np.asarray(cv2.erode(alpha, kernel) == 255, dtype=np.uint8)
    is_clear = np.asarray(cv2.dilate(alpha, kernel) == 0, dtype=np.uint8)
    enlarged = np.where(cv2.resize(is_opaque, size, interpolation=cv2.INTER_NEAREST), 255, enlarged)
    enlarged = np.where(cv2.resize(is_clear, size, interpolation=cv2.INTER_NEAREST), 0, enlarged)
    return enlarged.astype(np.uint8)


def _enlarge_by_network(
    pixels: Pixels, model_id: str, ratio: float, models: ModelCache, report: Report
) -> Pixels:
    """Enlarge by the whole factor next to ``ratio``, or by the largest the network has."""
    scale = pick_scale(chosen_model(models, model_id, "upscale", "super-resolution").scales, ratio)
    if scale < ratio:
        report.note(f"The network enlarges x{scale}; the rest, to x{ratio:.4g}, is interpolation.")
    model = models.open(model_id, report, scale=scale)
    return enlarge(model, pixels, report, scale=min(scale, ceil(ratio)))
