"""Cutout: one network finds the subject's alpha, everything else finishes it.

The raw alpha is returned too. Given back as input "alpha", any edge or background option
can be changed without running or loading the network again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.foreground import estimate_foreground
from studio.imaging.masks import EMPTY_LEVEL, feather, keep_largest, shift_edge, subject_box
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import cover
from studio.imaging.surroundings import blur_background, fill_hidden
from studio.models.matting import predict_alpha
from studio.params import CutoutOutput, CutoutParams, ToolParams
from studio.report import Report
from studio.tools.choice import chosen_model
from studio.tools.spec import ToolOutput

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_FRINGE_PX = 4
"""Colours are kept this far beyond the visible edge, for viewers that mix neighbours."""
_WHITE = np.full(3, 255, dtype=np.uint8)


def run(
    inputs: Mapping[str, Picture], params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Cut the subject of "image" out.

    Args:
        inputs: "image"; optionally "alpha", the raw alpha of an earlier run, which spares
            the network; "background" when ``params.output`` is a picture.
        params: ``CutoutParams``.
        models: opened only when no alpha is given.
        report: progress, stages, weights, notes.

    Returns:
        "image" as the params ask, and "alpha": the raw alpha at full input size, before
        any edge option.

    Raises:
        UserInputError: ``cutout.nothing_found``, ``cutout.nothing_left``,
            ``cutout.alpha_size``, ``cutout.background_missing``, ``model.other_tool``.
        ModelUnavailableError: the model's weights are not installed.

    """
    if not isinstance(params, CutoutParams):
        raise TypeError("cutout takes CutoutParams")
    if params.output is CutoutOutput.PICTURE and "background" not in inputs:
        raise UserInputError(
            "No picture was given for the background",
            remedy="Add one, or choose another background.",
            code="cutout.background_missing",
        )
    picture = inputs["image"]
    raw = _raw_alpha(inputs, params, models, report)
    visible = _finish_edge(raw, picture.alpha, params)
    report.progress(0.8)
    result = _compose(inputs, raw, visible, params)
    if params.crop:
        result = _crop(result, subject_box(visible, params.crop_margin_px))
    return [
        ToolOutput("image", result),
        ToolOutput("alpha", picture.with_pixels(picture.pixels, raw)),
    ]


def _raw_alpha(
    inputs: Mapping[str, Picture], params: CutoutParams, models: ModelCache, report: Report
) -> Pixels:
    picture = inputs["image"]
    if "alpha" in inputs:
        raw = _stored_alpha(inputs["alpha"], picture)
    else:
        raw = _predict(picture, params.model, models, report)
    if raw.max() <= EMPTY_LEVEL:
        raise UserInputError(
            "No subject was found in this picture",
            remedy="Try another model, or a picture whose subject stands out more.",
            code="cutout.nothing_found",
        )
    return raw


def _stored_alpha(stored: Picture, picture: Picture) -> Pixels:
    if (stored.width, stored.height) != (picture.width, picture.height):
        raise UserInputError(
            f"The alpha is {stored.width} × {stored.height} px and the picture "
            f"{picture.width} × {picture.height}",
            remedy="Give the alpha that was made from this very picture.",
            code="cutout.alpha_size",
        )
    if stored.alpha is not None:
        return stored.alpha
    return np.asarray(cv2.cvtColor(stored.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _predict(picture: Picture, model_id: str, models: ModelCache, report: Report) -> Pixels:
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = composite(pixels, picture.alpha, _WHITE)
    model = models.open(chosen_model(models, model_id, "cutout").id, report)
    report.progress(0.1)
    return predict_alpha(model, pixels)


def _finish_edge(raw: Pixels, own_alpha: Pixels | None, params: CutoutParams) -> Pixels:
    """The alpha to show: ``raw`` with the edge options and the picture's own alpha applied."""
    alpha = keep_largest(raw) if params.keep_largest else raw
    alpha = feather(shift_edge(alpha, params.shift_px), params.feather_px)
    if own_alpha is not None:
        alpha = np.asarray(cv2.multiply(alpha, own_alpha, scale=1 / 255), dtype=np.uint8)
    if alpha.max() <= EMPTY_LEVEL:
        raise UserInputError(
            "Nothing is left of the subject",
            remedy="Shift the edge less far inwards, or feather it less.",
            code="cutout.nothing_left",
        )
    return alpha


def _compose(
    inputs: Mapping[str, Picture], raw: Pixels, visible: Pixels, params: CutoutParams
) -> Picture:
    picture = inputs["image"]
    if params.output is CutoutOutput.MASK:
        return picture.with_pixels(np.repeat(visible[..., None], 3, axis=2))
    colours = picture.pixels
    if params.despill:
        shown = colours if picture.alpha is None else fill_hidden(colours, picture.alpha)
        colours = estimate_foreground(shown, raw)
    if params.output is CutoutOutput.TRANSPARENT:
        return picture.with_pixels(_forget_hidden(colours, visible), visible)
    background = _background(inputs, raw, params)
    return picture.with_pixels(composite(colours, visible, background))


def _background(inputs: Mapping[str, Picture], raw: Pixels, params: CutoutParams) -> Pixels:
    picture = inputs["image"]
    if params.output is CutoutOutput.COLOUR:
        return np.frombuffer(bytes.fromhex(params.colour[1:]), dtype=np.uint8)
    if params.output is CutoutOutput.BLUR:
        hidden = 0 if picture.alpha is None else 255 - picture.alpha
        return blur_background(picture.pixels, np.maximum(raw, hidden), params.blur_px)
    own = inputs["background"]
    pixels = cover(own.pixels, picture.width, picture.height)
    if own.alpha is None:
        return pixels
    return composite(pixels, cover(own.alpha, picture.width, picture.height), _WHITE)


def _forget_hidden(colours: Pixels, visible: Pixels) -> Pixels:
    """Black out what nobody can see, so that a removed background is gone from the file too."""
    kernel = np.ones((2 * _FRINGE_PX + 1,) * 2, dtype=np.uint8)
    near = np.asarray(cv2.dilate(visible, kernel))
    return np.asarray(cv2.copyTo(colours, near), dtype=np.uint8)


def _crop(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    left, top, right, bottom = box
    rows, columns = slice(top, bottom), slice(left, right)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    return picture.with_pixels(picture.pixels[rows, columns], alpha)
