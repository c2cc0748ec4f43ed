"""The subject's alpha, given or found: what cutout and cartoon share."""

from __future__ import annotations

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.encode import WHITE
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import Model
from studio.models.matting import predict_alpha
from studio.tools.spec import ToolInputs
from studio.words import msg


def stored_alpha(inputs: ToolInputs, *, tool: str) -> Pixels:
    """The input "alpha", such or a grey mask, ``uint8 (H, W)`` of the size of "image".

    Raises:
        UserInputError: ``<tool>.alpha_size``, naming its file.

    """
    stored, picture = inputs["alpha"], inputs["image"]
    with inputs.naming("alpha"):
        _require_size(stored, picture, tool)
    if stored.alpha is not None:
        return stored.alpha
    return np.asarray(cv2.cvtColor(stored.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _require_size(stored: Picture, picture: Picture, tool: str) -> None:
    if (stored.width, stored.height) != (picture.width, picture.height):
        raise UserInputError(
            msg(
                "The alpha is {width} × {height} px and the picture {wide} × {high}",
                width=stored.width,
                height=stored.height,
                wide=picture.width,
                high=picture.height,
            ),
            remedy=msg("Give the alpha that was made from this very picture."),
            code=f"{tool}.alpha_size",
        )


def predicted_alpha(model: Model, picture: Picture) -> Pixels:
    """What a matting network takes for the subject, ``uint8 (H, W)``; on white if transparent."""
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = composite(pixels, picture.alpha, WHITE)
    return predict_alpha(model, pixels)
