"""Drawing styles learned by networks: DCT-Net, AnimeGAN, and those a team adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.faces.find import find_faces
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.models.contracts import StyleContract
from studio.models.guard import memory_exhausted, require_contract
from studio.models.style import draw, working_size
from studio.params.sizes import fit_long_side
from studio.report import Report
from studio.tools.cartoon.styling.enlarging import enlarge_drawing
from studio.tools.cartoon.styling.heads import draw_heads, read_blend
from studio.tools.choice import chosen_model
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import Model, ModelCache

_LEAST_AREA_PX = 128 * 128
"""A picture drawn smaller would be unrecognisable."""
_BACKGROUND, _HEAD, _BLEND = "background", "head", "blend"
"""Parts of a portrait style: the network of the whole picture, that of heads, and their mask."""


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
        RGB ``uint8 (h, w, 3)``, its size as ``params.sizes.fit_long_side`` says.

    Raises:
        UserInputError: ``model.other_tool``, the model is not one for cartoon.
        ModelUnavailableError: the model is unknown or not installed.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(chosen_model(models, model_id, "cartoon", "cartoon"), StyleContract)
    size = fit_long_side(pixels.shape[1], pixels.shape[0], long_side_px)
    photo = pixels if pixels.shape[1::-1] == size else resample(pixels, *size)
    if contract.head_side_px is None:
        return _draw_all(models.open(model_id, report), photo, models, report)
    background = models.open(model_id, report, part=_BACKGROUND)
    with report.span(0.0, 0.6):
        drawn = _draw_all(background, photo, models, report)
    with report.span(0.6, 0.7):
        faces = find_faces(photo, models, report)
    if not faces:
        report.note(msg("No face was found, so the whole picture was drawn as background."))
        return drawn
    head = models.open(model_id, report, part=_HEAD)
    blend = read_blend(models.path(model_id, _BLEND), contract.head_side_px)
    with report.span(0.7, 1.0):
        return draw_heads(drawn, photo, faces, head, blend, models, report)


def _draw_all(model: Model, photo: Pixels, models: ModelCache, report: Report) -> Pixels:
    """The photograph drawn at its own size, or at the network's and enlarged again."""
    size = photo.shape[1::-1]
    with report.span(0.0, 0.5):
        drawn, small = _draw_reduced(model, photo, report)
    if drawn.shape == photo.shape:
        return drawn
    width_px, height_px = drawn.shape[1::-1]
    with report.span(0.5, 1.0):
        large, how = enlarge_drawing(drawn, small, photo, models, report)
    report.note(
        msg(
            "Drawn at {width} × {height} px and enlarged to {wide} × {high} px by {how}.",
            width=width_px,
            height=height_px,
            wide=size[0],
            high=size[1],
            how=how,
        )
    )
    return large


def _draw_reduced(model: Model, photo: Pixels, report: Report) -> tuple[Pixels, Pixels]:
    """A drawing as large as the network and memory allow, and the photograph at that size."""
    width_px, height_px = working_size(
        require_contract(model.spec, StyleContract), *photo.shape[1::-1]
    )
    while True:
        is_whole = (height_px, width_px) == photo.shape[:2]
        small = photo if is_whole else resample(photo, width_px, height_px)
        try:
            return draw(model, small, report), small
        except MemoryError as error:
            if width_px * height_px < 2 * _LEAST_AREA_PX:
                raise memory_exhausted(
                    msg("drawing with {model}", model=model.spec.title)
                ) from error
            width_px, height_px = (max(round(side * 0.5**0.5), 1) for side in (width_px, height_px))
            report.note(msg("Memory ran out; the picture was drawn smaller."))
