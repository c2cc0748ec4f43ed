"""The subject's alpha, given or found: what cutout and cartoon share."""

from __future__ import annotations

from studio.imaging.blend import composite
from studio.imaging.encode import WHITE
from studio.imaging.given_mask import read_mask
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import Model
from studio.models.matting import predict_alpha
from studio.report import Report
from studio.tools.sizes import require_size_of_main
from studio.tools.spec import ToolInputs, ToolSpec


def stored_alpha(inputs: ToolInputs, report: Report, spec: ToolSpec) -> Pixels:
    """The input "alpha", read as any given mask, ``uint8 (H, W)`` of the size of "image".

    The report notes what was read of a picture that is no grey mask.

    Raises:
        UserInputError: ``<tool>.alpha_size``, naming its file.

    """
    stored, picture = inputs["alpha"], inputs["image"]
    size_px, main_px = (stored.width, stored.height), (picture.width, picture.height)
    with inputs.naming("alpha"):
        require_size_of_main(spec, "alpha", size_px, main_px)
    alpha, note = read_mask(stored)
    if note is not None:
        report.note(note)
    return alpha


def predicted_alpha(model: Model, picture: Picture) -> Pixels:
    """What a matting network takes for the subject, ``uint8 (H, W)``; on white if transparent."""
    pixels = picture.pixels
    if picture.alpha is not None:
        pixels = composite(pixels, picture.alpha, WHITE)
    return predict_alpha(model, pixels)
