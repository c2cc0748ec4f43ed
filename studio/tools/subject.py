"""The subject's alpha, given or found: what cutout and cartoon share."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.blend import composite
from studio.imaging.encode import WHITE
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import Model
from studio.models.matting import predict_alpha
from studio.report import Report
from studio.tools.sizes import require_size_of_main
from studio.tools.spec import ToolInputs, ToolSpec
from studio.words import msg


def stored_alpha(inputs: ToolInputs, report: Report, spec: ToolSpec) -> Pixels:
    """The input "alpha", such or a grey mask, ``uint8 (H, W)`` of the size of "image".

    A picture with colours is most likely none: the report notes what was read of it.

    Raises:
        UserInputError: ``<tool>.alpha_size``, naming its file.

    """
    stored, picture = inputs["alpha"], inputs["image"]
    size_px, main_px = (stored.width, stored.height), (picture.width, picture.height)
    with inputs.naming("alpha"):
        require_size_of_main(spec, "alpha", size_px, main_px)
    if stored.alpha is not None:
        return stored.alpha
    if (stored.pixels != stored.pixels[..., :1]).any():
        report.note(msg("The mask was read from its brightness."))
    return np.asarray(cv2.cvtColor(stored.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def predicted_alpha(model: Model, picture: Picture) -> Pixels:
    """What a matting network takes for the subject, ``uint8 (H, W)``; on white if transparent."""
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = composite(pixels, picture.alpha, WHITE)
    return predict_alpha(model, pixels)
