"""Drawing styles learned by networks: DCT-Net, AnimeGAN, and those a team adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.imaging.picture import Pixels
from studio.report import Report

if TYPE_CHECKING:
    from studio.models.cache import ModelCache


def stylise(
    pixels: Pixels,
    model_id: str,
    long_side_px: int | None,
    models: ModelCache,
    report: Report,
) -> Pixels:
    """Draw a photograph in the style of a cartoon model of the catalogue, at full strength.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        model_id: any model of task "cartoon".
        long_side_px: of the result; None keeps the size of ``pixels``.
        models: opens the networks, and for portrait styles those that find faces.
        report: progress 0 to 1, weights, and what was done to a large picture.

    Returns:
        RGB ``uint8 (h, w, 3)``, its size as ``imaging.resample.fit_long_side`` says.

    Raises:
        UserInputError: ``model.other_tool``, the model is not one for cartoon.
        ModelUnavailableError: the model is unknown or not installed.
        RetriableError: ``memory.exhausted``.

    """
    raise NotImplementedError
