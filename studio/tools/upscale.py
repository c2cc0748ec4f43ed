"""Upscale: enlargement by a network, finished by interpolation where sizes do not meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.faces.find import find_faces
from studio.imaging.grey import is_grey, without_colour
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.imaging.surroundings import fill_hidden
from studio.models.contracts import FaceRestorationContract
from studio.models.runtime import Array
from studio.models.superres import enlarge, pick_scale
from studio.params import INTERPOLATION, ToolParams, UpscaleParams
from studio.report import Report
from studio.tools.choice import chosen_model, require_model
from studio.tools.estimate import output_size
from studio.tools.restoration import restore_faces
from studio.tools.spec import ToolOutput
from studio.tools.unused import note_unused

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
        "image" at exactly ``estimate.output_size``, alpha enlarged with it; its faces redrawn
        when ``params.restore_faces`` names a model for that. A grey picture stays grey.

    Raises:
        UserInputError: ``upscale.not_larger`` or ``model.other_tool``.
        ModelUnavailableError: the model's weights are not installed.

    """
    if not isinstance(params, UpscaleParams):
        raise TypeError("upscale takes UpscaleParams")
    if params.restore_faces is not None:
        require_model(models, params.restore_faces, "upscale", "face-restoration")
    picture = inputs["image"]
    size = output_size(params, picture.width, picture.height)
    _note_unused(params, models, report)
    enlarger = _Enlarger(params, models, report)
    with report.span(0.0, 1.0 if params.restore_faces is None else 0.7):
        if picture.alpha is None:
            enlarged = picture.with_pixels(enlarger.enlarge(picture.pixels, size))
        else:
            with report.span(0.0, 0.5):
                pixels = enlarger.enlarge(fill_hidden(picture.pixels, picture.alpha), size)
            with report.span(0.5, 1.0):
                alpha = enlarger.enlarge_alpha(picture.alpha, size)
            enlarged = picture.with_pixels(pixels, alpha)
    if params.restore_faces is None:
        return [ToolOutput("image", enlarged)]
    with report.span(0.7, 1.0):
        restored = _restore(enlarged.pixels, params.restore_faces, params, models, report)
    return [ToolOutput("image", enlarged.with_pixels(restored, enlarged.alpha))]


def _note_unused(params: UpscaleParams, models: ModelCache, report: Report) -> None:
    """Say which of the parameters that were set decide nothing in this run."""
    if params.target_width_px is not None:
        note_unused(params, "scale", because="the target width goes before it", report=report)
    if not _can_denoise(params.model, models):
        because = f"{params.model} has no such setting"
        note_unused(params, "denoise", because=because, report=report)
    if params.restore_faces is None:
        because = "no face restoration was chosen"
        note_unused(params, "restore_blend", "restore_fidelity", because=because, report=report)
    elif not _has_fidelity(params.restore_faces, models):
        because = f"{params.restore_faces} has no such setting"
        note_unused(params, "restore_fidelity", because=because, report=report)


def _can_denoise(model_id: str, models: ModelCache) -> bool:
    """Whether the model has weights that remove noise to mix in."""
    if model_id == INTERPOLATION:
        return False
    spec = chosen_model(models, model_id, "upscale", "super-resolution")
    return any(file.mixes_with for file in spec.files)


def _has_fidelity(model_id: str, models: ModelCache) -> bool:
    contract = models.spec(model_id).contract
    return isinstance(contract, FaceRestorationContract) and contract.weight_name is not None


@dataclass(frozen=True, slots=True)
class _Enlarger:
    """Enlarges pictures as the parameters say."""

    params: UpscaleParams
    models: ModelCache
    report: Report

    def enlarge(self, pixels: Pixels, size: tuple[int, int]) -> Pixels:
        """RGB ``pixels`` at exactly ``size``, by network as far as it reaches."""
        if self.params.model != INTERPOLATION:
            pixels = self._by_network(pixels, size[0] / pixels.shape[1])
        return pixels if pixels.shape[1::-1] == size else resample(pixels, *size)

    def enlarge_alpha(self, alpha: Pixels, size: tuple[int, int]) -> Pixels:
        """``alpha`` at ``size``; the network sees it as a grey picture and keeps outlines crisp."""
        if self.params.model == INTERPOLATION:
            return resample(alpha, *size)
        grey = np.repeat(alpha[..., np.newaxis], 3, axis=2)
        return _without_veil(alpha, self.enlarge(grey, size)[..., 0])

    def _by_network(self, pixels: Pixels, ratio: float) -> Pixels:
        """Enlarge by the whole factor next to ``ratio``, or by the largest the network has."""
        spec = chosen_model(self.models, self.params.model, "upscale", "super-resolution")
        scale = pick_scale(spec.scales, ratio)
        if scale < ratio:
            self.report.note(
                f"The network enlarges x{scale}; the rest, to x{ratio:.4g}, is interpolation."
            )
        model = self.models.open(spec.id, self.report, scale=scale, share=self.params.denoise)
        return enlarge(model, pixels, self.report, scale=min(scale, ceil(ratio)))


def _without_veil(alpha: Pixels, enlarged: Array) -> Pixels:
    """``enlarged`` with exact black and white wherever ``alpha`` is flat.

    Networks miss them by a level or more, which would show as a veil.
    """
    size = enlarged.shape[1::-1]
    kernel = np.ones((2 * _FLAT_REACH_PX + 1,) * 2, np.uint8)
    is_opaque = np.asarray(cv2.erode(alpha, kernel) == 255, dtype=np.uint8)
    is_clear = np.asarray(cv2.dilate(alpha, kernel) == 0, dtype=np.uint8)
    enlarged = np.where(cv2.resize(is_opaque, size, interpolation=cv2.INTER_NEAREST), 255, enlarged)
    enlarged = np.where(cv2.resize(is_clear, size, interpolation=cv2.INTER_NEAREST), 0, enlarged)
    return enlarged.astype(np.uint8)


def _restore(
    pixels: Pixels, model_id: str, params: UpscaleParams, models: ModelCache, report: Report
) -> Pixels:
    """The enlarged picture with its faces redrawn."""
    with report.span(0.0, 0.3):
        faces = find_faces(pixels, models, report)
    if not faces:
        report.note("No face was found to restore.")
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
    return without_colour(restored) if is_grey(pixels) else restored
