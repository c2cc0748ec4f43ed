"""The subject's alpha, given or found: what cutout and cartoon share."""

from __future__ import annotations

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import Model
from studio.models.matting import predict_alpha
from studio.words import msg

_WHITE = np.full(3, 255, dtype=np.uint8)


def stored_alpha(stored: Picture, picture: Picture, *, tool: str) -> Pixels:
    """A given alpha or grey mask, ``uint8 (H, W)`` of the picture's size.

    Raises:
        UserInputError: ``<tool>.alpha_size``.

    """
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
    if stored.alpha is not None:
        return stored.alpha
    return np.asarray(cv2.cvtColor(stored.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def predicted_alpha(model: Model, picture: Picture) -> Pixels:
    """What a matting network takes for the subject, ``uint8 (H, W)``; on white if transparent."""
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = composite(pixels, picture.alpha, _WHITE)
    return predict_alpha(model, pixels)
