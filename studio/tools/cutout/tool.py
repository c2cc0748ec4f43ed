"""Cutout: one network finds the subject's alpha, everything else finishes it.

The raw alpha is returned too. Given back as input "alpha", any edge, background, shadow or
outline option can be changed without running or loading the network again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.blend import composite, over
from studio.imaging.closed_form import UnsolvedMatteError, solve_matte
from studio.imaging.encode import MAX_SIDE_PX, WHITE
from studio.imaging.foreground import estimate_foreground
from studio.imaging.masks import EMPTY_LEVEL, feather, keep_largest, shift_edge, subject_box
from studio.imaging.outline import outline_alpha
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import cover
from studio.imaging.shadow import shadow_alpha, shadow_reach_px
from studio.imaging.surroundings import blur_background, visible_pixels
from studio.imaging.trimap import make_trimap
from studio.params import CutoutOutput, CutoutParams, ToolParams
from studio.report import Report
from studio.tools.choice import chosen_model
from studio.tools.cutout.spec import SPEC
from studio.tools.spec import ToolInputs, ToolOutput
from studio.tools.subject import predicted_alpha, stored_alpha
from studio.tools.unused import note_unused_input, note_without_effect
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

Margins = tuple[int, int, int, int]
"""Left, top, right and bottom, in px."""

_FRINGE_PX = 4
"""Colours are kept this far beyond the visible edge, for viewers that mix neighbours."""
_WITHOUT_A_FRAME = (CutoutOutput.TRANSPARENT, CutoutOutput.COLOUR)
"""Backgrounds that go on beyond the borders of the original."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """Colours ``(H, W, 3)``, or one ``(3,)``, with their opacity ``(H, W)``."""

    colours: Pixels
    alpha: Pixels


def run(
    inputs: ToolInputs, params: ToolParams, models: ModelCache, report: Report
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
    if lack := params.lacks(inputs):
        raise lack
    _note_unused(inputs, params, report)
    picture = inputs["image"]
    with report.span(0.0, 0.5):
        raw = _raw_alpha(inputs, params, models, report)
    with report.span(0.5, 0.8):
        matte = _matte(picture, raw, params, report)
    visible = _finish_edge(matte, picture.alpha, params)
    report.progress(0.85)
    return [
        ToolOutput("image", _compose(inputs, matte, visible, params, report)),
        ToolOutput("alpha", picture.with_pixels(picture.pixels, raw)),
    ]


def _note_unused(inputs: ToolInputs, params: CutoutParams, report: Report) -> None:
    """Say what was given and decides nothing in this run."""
    if params.output is not CutoutOutput.PICTURE:
        chosen = msg("the background chosen is {output}", output=params.output)
        note_unused_input(inputs, "background", because=chosen, report=report)
    note_without_effect(params, report)


def _raw_alpha(
    inputs: ToolInputs, params: CutoutParams, models: ModelCache, report: Report
) -> Pixels:
    picture = inputs["image"]
    if "alpha" in inputs:
        raw = stored_alpha(inputs, report, SPEC)
    else:
        raw = _predict(picture, params.model, models, report)
    if raw.max() <= EMPTY_LEVEL:
        raise UserInputError(
            msg("No subject was found in this picture"),
            remedy=msg("Try another model, or a picture whose subject stands out more."),
            code="cutout.nothing_found",
        )
    return raw


def _predict(picture: Picture, model_id: str, models: ModelCache, report: Report) -> Pixels:
    model = models.open(chosen_model(models, model_id, "cutout", "matting").id, report)
    report.progress(0.1)
    return predicted_alpha(model, picture)


def _matte(picture: Picture, raw: Pixels, params: CutoutParams, report: Report) -> Pixels:
    """The alpha at the subject's true edge, before any taste is applied to it."""
    alpha = keep_largest(raw) if params.keep_largest else raw
    if not params.matting:
        return alpha
    trimap = make_trimap(
        alpha,
        foreground_threshold=params.foreground_threshold,
        background_threshold=params.background_threshold,
        erode_size_px=params.erode_size_px,
    )
    try:
        return solve_matte(visible_pixels(picture), trimap, report.progress)
    except UnsolvedMatteError as error:
        report.note(
            msg(
                "Fine hair was not worked out, the network's own edge was kept: {reason}.",
                reason=error.reason,
            )
        )
        return alpha


def _finish_edge(matte: Pixels, own_alpha: Pixels | None, params: CutoutParams) -> Pixels:
    """The alpha to show: ``matte`` with the edge options and the picture's own alpha applied."""
    alpha = feather(shift_edge(matte, params.shift_px), params.feather_px)
    if own_alpha is not None:
        # Two estimates of one edge: multiplied, they would fade it a little more in every pass.
        alpha = np.minimum(alpha, own_alpha)
    if alpha.max() <= EMPTY_LEVEL:
        raise UserInputError(
            msg("Nothing is left of the subject"),
            remedy=msg("Shift the edge less far inwards, or feather it less."),
            code="cutout.nothing_left",
        )
    return alpha


def _compose(
    inputs: ToolInputs, matte: Pixels, visible: Pixels, params: CutoutParams, report: Report
) -> Picture:
    picture = inputs["image"]
    if params.output is CutoutOutput.MASK:
        result = picture.with_pixels(np.repeat(visible[..., None], 3, axis=2))
        return _cropped(result, visible, params)
    colours = visible_pixels(picture)
    if params.despill:
        colours = estimate_foreground(colours, matte)
    if params.crop and params.output in _WITHOUT_A_FRAME:
        # Room is added to what the crop keeps: all of a large picture would leave none.
        reach = _reach(params)
        near = _near(visible, reach, params.crop_margin_px)
        colours, visible = colours[near], visible[near]
        room = _fitting_room(_room(visible, reach), visible, inputs.max_pixels, params, report)
        colours, visible = _with_room(colours, visible, room)
    layers = [_Layer(colours, visible), *_beneath(visible, params)]
    if params.output is CutoutOutput.TRANSPARENT:
        result = picture.with_pixels(*_merged(layers))
    else:
        pixels = _background(inputs, matte, params)
        for layer in reversed(layers):
            pixels = composite(layer.colours, layer.alpha, pixels)
        result = picture.with_pixels(pixels)
    return _cropped(result, reduce(np.maximum, (layer.alpha for layer in layers)), params)


def _reach(params: CutoutParams) -> Margins:
    """How far shadow and outline show beyond the subject."""
    outline_px = math.ceil(params.outline_px)
    shadow_px = (0, 0, 0, 0)
    if params.shadow:
        shadow_px = shadow_reach_px(params.shadow_x_px, params.shadow_y_px, params.shadow_blur_px)
    left, top, right, bottom = (outline_px + side_px for side_px in shadow_px)
    return left, top, right, bottom


def _near(visible: Pixels, reach: Margins, margin_px: int) -> tuple[slice, slice]:
    """Rows and columns of the subject with its effects and a margin, inside the picture.

    As far on the side that a shadow leaves as on the other: its pixels come from there.
    """
    x0, y0, x1, y1 = subject_box(visible, margin_px)
    left, top, right, bottom = reach
    across_px, down_px = max(left, right), max(top, bottom)
    return (
        slice(max(y0 - down_px, 0), y1 + down_px),
        slice(max(x0 - across_px, 0), x1 + across_px),
    )


def _room(visible: Pixels, reach: Margins) -> Margins:
    """How much of ``reach`` lies beyond the picture's borders."""
    height, width = visible.shape
    x0, y0, x1, y1 = subject_box(visible, 0)
    spare_px = (x0, y0, width - x1, height - y1)
    left, top, right, bottom = (
        max(reach_px - side_px, 0) for reach_px, side_px in zip(reach, spare_px, strict=True)
    )
    return left, top, right, bottom


def _fitting_room(
    room: Margins,
    visible: Pixels,
    max_pixels: int | None,
    params: CutoutParams,
    report: Report,
) -> Margins:
    """``room``, less what would make the picture larger than its format or the studio allow."""
    height, width = visible.shape
    most_px = MAX_SIDE_PX.get(params.format, max(width, height) + sum(room))
    most = max_pixels or (width + sum(room)) * (height + sum(room))
    left, right = _cut(room[0], room[2], min(most_px, most // height) - width)
    top, bottom = _cut(room[1], room[3], min(most_px, most // (width + left + right)) - height)
    fitting = left, top, right, bottom
    if fitting != room:
        report.note(
            msg(
                "Shadow and outline are cut off at a border: with all of them the picture would "
                "be too large."
            )
        )
    return fitting


def _cut(before_px: int, after_px: int, most_px: int) -> tuple[int, int]:
    """Two margins, made smaller by one share where together they are more than ``most_px``."""
    wanted_px = before_px + after_px
    if wanted_px <= most_px:
        return before_px, after_px
    before_px = before_px * most_px // wanted_px
    return before_px, most_px - before_px


def _with_room(colours: Pixels, visible: Pixels, room: Margins) -> tuple[Pixels, Pixels]:
    """Both with canvas added: the colours go on, and nothing of it is visible."""
    left, top, right, bottom = room
    sides = (top, bottom, left, right)
    return (
        np.asarray(cv2.copyMakeBorder(colours, *sides, cv2.BORDER_REPLICATE), dtype=np.uint8),
        np.asarray(cv2.copyMakeBorder(visible, *sides, cv2.BORDER_CONSTANT), dtype=np.uint8),
    )


def _beneath(visible: Pixels, params: CutoutParams) -> list[_Layer]:
    """What lies between subject and background, from the top down."""
    layers = []
    opaque = visible
    if params.outline_px:
        outline = outline_alpha(visible, params.outline_px)
        layers.append(_Layer(_rgb(params.outline_colour), outline))
        opaque = np.maximum(visible, outline)
    if params.shadow:
        shadow = shadow_alpha(
            opaque,
            x_px=params.shadow_x_px,
            y_px=params.shadow_y_px,
            sigma_px=params.shadow_blur_px,
            opacity=params.shadow_opacity,
        )
        layers.append(_Layer(_rgb(params.shadow_colour), shadow))
    return layers


def _merged(layers: list[_Layer]) -> tuple[Pixels, Pixels]:
    """All layers in one, with its alpha; black where nobody can see."""
    top, *others = layers
    colours, alpha = top.colours, top.alpha
    for layer in others:
        colours, alpha = over(colours, alpha, layer.colours, layer.alpha)
    return _forget_hidden(colours, alpha), alpha


def _background(inputs: ToolInputs, matte: Pixels, params: CutoutParams) -> Pixels:
    picture = inputs["image"]
    if params.output is CutoutOutput.COLOUR:
        return _rgb(params.colour)
    if params.output is CutoutOutput.BLUR:
        hidden = 0 if picture.alpha is None else 255 - picture.alpha
        return blur_background(picture.pixels, np.maximum(matte, hidden), params.blur_px)
    own = inputs["background"]
    # Laid on white before it is resampled, so that colours nobody can see do not bleed in.
    shown = own.pixels if own.alpha is None else composite(own.pixels, own.alpha, WHITE)
    return cover(shown, picture.width, picture.height)


def _rgb(colour: str) -> Pixels:
    return np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8)


def _forget_hidden(colours: Pixels, visible: Pixels) -> Pixels:
    """Black out what nobody can see, so that a removed background is gone from the file too."""
    kernel = np.ones((2 * _FRINGE_PX + 1,) * 2, dtype=np.uint8)
    near = np.asarray(cv2.dilate(visible, kernel))
    return np.asarray(cv2.copyTo(colours, near), dtype=np.uint8)


def _cropped(picture: Picture, shown: Pixels, params: CutoutParams) -> Picture:
    """``picture`` cut to what ``shown`` covers, if the params ask for it."""
    if not params.crop:
        return picture
    left, top, right, bottom = subject_box(shown, params.crop_margin_px)
    rows, columns = slice(top, bottom), slice(left, right)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    return picture.with_pixels(picture.pixels[rows, columns], alpha)
