"""Upscale: enlargement by a network, finished by interpolation where sizes do not meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from studio.faces.find import find_faces
from studio.imaging.fidelity import hold_to_source
from studio.imaging.grey import find_tone
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import repeat_pixels, resample
from studio.imaging.surroundings import fill_hidden
from studio.models.superres import enlarge, pick_scale
from studio.params import INTERPOLATIONS, NEAREST, ToolParams, UpscaleParams
from studio.report import Report
from studio.tools.choice import chosen_model, require_model
from studio.tools.restoration import has_fidelity, restore_faces
from studio.tools.spec import ToolOutput
from studio.tools.unused import note_unused, note_without_effect
from studio.tools.upscale.soft_edges import take_soft_edges
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_LOST_SHARE = 0.01
"""Lost patterns that cover less of a picture are not worth a note."""


def run(
    inputs: Mapping[str, Picture], params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Enlarge "image" by ``params.scale``, or to ``params.target_width_px``.

    Args:
        inputs: "image".
        params: ``UpscaleParams``.
        models: opened unless the model is one of ``INTERPOLATIONS``, or the enlargement slight.
        report: progress, stages, weights, notes.

    Returns:
        "image" at exactly ``params.output_size``, alpha enlarged with it; its faces redrawn
        when ``params.restore_model`` names a model for that. A grey picture stays grey, a
        toned one in its tone.

    Raises:
        UserInputError: ``upscale.not_larger`` or ``model.other_tool``.
        ModelUnavailableError: there is no such model, or its weights are not installed.

    """
    if not isinstance(params, UpscaleParams):
        raise TypeError("upscale takes UpscaleParams")
    if params.model not in INTERPOLATIONS:  # also where a slight enlargement will not open it
        chosen_model(models, params.model, "upscale", "super-resolution")
    if params.restore_model is not None:
        require_model(models, params.restore_model, "upscale", "face-restoration")
    picture = inputs["image"]
    size = params.output_size(picture.width, picture.height)
    # Lane and estimate judge by the parameters alone, and count on the network.
    is_slight = params.is_slight(picture.width)
    _note_unused(params, models, report, is_slight=is_slight)
    enlarger = _Enlarger(params, models, report, params.model in INTERPOLATIONS or is_slight)
    with report.span(0.0, 1.0 if params.restore_model is None else 0.7):
        if picture.alpha is None:
            enlarged = picture.with_pixels(enlarger.enlarge(picture.pixels, size))
        else:
            with report.span(0.0, 0.5):
                pixels = enlarger.enlarge(fill_hidden(picture.pixels, picture.alpha), size)
            with report.span(0.5, 1.0):
                alpha = enlarger.enlarge_alpha(picture.alpha, size)
            enlarged = picture.with_pixels(pixels, alpha)
    if params.restore_model is None:
        return [ToolOutput("image", enlarged)]
    with report.span(0.7, 1.0):
        restored = _restore(enlarged.pixels, params.restore_model, params, models, report)
    return [ToolOutput("image", enlarged.with_pixels(restored, enlarged.alpha))]


def _note_unused(
    params: UpscaleParams, models: ModelCache, report: Report, *, is_slight: bool
) -> None:
    """Say which of the parameters that were set decide nothing in this run."""
    note_without_effect(params, report)
    if is_slight:
        report.note(msg("So slight an enlargement is interpolation: a network adds nothing to it."))
        because = msg("so slight an enlargement is interpolation")
        note_unused(params, "denoise", because=because, report=report)
    elif params.model not in INTERPOLATIONS and not _can_denoise(params.model, models):
        because = msg("{model} has no such setting", model=params.model)
        note_unused(params, "denoise", because=because, report=report)
    if params.restore_model is not None and not has_fidelity(models.spec(params.restore_model)):
        because = msg("{model} has no such setting", model=params.restore_model)
        note_unused(params, "restore_fidelity", because=because, report=report)


def _can_denoise(model_id: str, models: ModelCache) -> bool:
    """Whether the model has weights that remove noise to mix in."""
    spec = chosen_model(models, model_id, "upscale", "super-resolution")
    return any(file.mixes_with for file in spec.files)


@dataclass(frozen=True, slots=True)
class _Enlarger:
    """Enlarges pictures as the parameters say."""

    params: UpscaleParams
    models: ModelCache
    report: Report
    is_interpolated: bool
    """No network is asked."""

    def enlarge(self, pixels: Pixels, size: tuple[int, int]) -> Pixels:
        """RGB ``pixels`` at exactly ``size``, by network as far as it reaches."""
        if self.is_interpolated:
            return self._interpolated(pixels, size)
        enlarged, lost = self._by_network(pixels, size)
        if lost > _LOST_SHARE:
            self.report.note(
                msg(
                    "{model} cannot draw the fine pattern in {lost:.0%} of the picture, which "
                    "was interpolated there. For pixel art and screens choose {nearest}.",
                    model=self.params.model,
                    lost=lost,
                    nearest=NEAREST,
                )
            )
        return enlarged

    def enlarge_alpha(self, alpha: Pixels, size: tuple[int, int]) -> Pixels:
        """``alpha`` at ``size``; the network sees it as a grey picture and keeps outlines crisp."""
        smooth = self._interpolated(alpha, size)
        if self.is_interpolated:
            return smooth
        grey = np.repeat(alpha[..., np.newaxis], 3, axis=2)
        enlarged, _ = self._by_network(grey, size)
        return take_soft_edges(enlarged[..., 0], smooth, alpha)

    def _interpolated(self, pixels: Pixels, size: tuple[int, int]) -> Pixels:
        if self.params.model == NEAREST:
            return repeat_pixels(pixels, *size)
        return resample(pixels, *size)

    def _by_network(self, pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, float]:
        """At exactly ``size``, and the share of the picture whose pattern the network lost.

        It enlarges by the next whole factor, or by the largest it has; interpolation does the rest.
        """
        ratio = size[0] / pixels.shape[1]
        spec = chosen_model(self.models, self.params.model, "upscale", "super-resolution")
        scale = pick_scale(spec.scales, ratio)
        if scale < ratio:
            self.report.note(
                msg(
                    "The network enlarges x{scale}; the rest, to x{ratio}, is interpolation.",
                    scale=scale,
                    ratio=ratio,
                )
            )
        model = self.models.open(spec.id, self.report, scale=scale, share=self.params.denoise)
        enlarged = enlarge(model, pixels, self.report, scale=min(scale, ceil(ratio)))
        lost = hold_to_source(enlarged, pixels)
        return (enlarged if enlarged.shape[1::-1] == size else resample(enlarged, *size)), lost


def _restore(
    pixels: Pixels, model_id: str, params: UpscaleParams, models: ModelCache, report: Report
) -> Pixels:
    """The enlarged picture with its faces redrawn."""
    with report.span(0.0, 0.3):
        faces = find_faces(pixels, models, report)
    if not faces:
        report.note(msg("No face was found to restore."))
        return pixels
    with report.span(0.3, 1.0):
        restored = restore_faces(
            pixels,
            faces,
            model_id,
            params.restore_blend,
            params.restore_fidelity,
            models,
            report,
        )
    tone = find_tone(pixels)
    return restored if tone is None else tone.applied_where_changed(restored, pixels)
