"""Cartoon: a photograph drawn in a built-in look, or in the style of a network.

The drawing in full strength is returned too. Given back as input "render", strength,
region and format can be changed without drawing anything again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import UserInputError
from studio.imaging.blend import composite
from studio.imaging.encode import WHITE
from studio.imaging.masks import EMPTY_LEVEL
from studio.imaging.picture import Picture, Pixels
from studio.imaging.resample import resample
from studio.imaging.surroundings import fill_hidden
from studio.params import ALL_LOOKS, CartoonParams, CartoonRegion, Look, ToolParams
from studio.params.sheet import CAPTIONS, SheetLayout
from studio.report import Report
from studio.tools.cartoon.features import Features
from studio.tools.cartoon.looks import SEEDED_LOOKS, draw, find_features
from studio.tools.cartoon.sheet import compose_sheet, spread_mask
from studio.tools.cartoon.spec import SPEC
from studio.tools.cartoon.strength import blend, fade
from studio.tools.choice import chosen_model
from studio.tools.spec import ToolInputs, ToolOutput
from studio.tools.subject import predicted_alpha, stored_alpha
from studio.tools.unused import note_unused, note_unused_input, note_without_effect
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_MATTING = "isnet"


def run(
    inputs: ToolInputs, params: ToolParams, models: ModelCache, report: Report
) -> list[ToolOutput]:
    """Draw "image".

    The result has the long side asked for even where the photograph is smaller: drawn lines
    do not lose by it. Strength 1 is the drawing itself, and weaker ones mix it with the
    photograph, the same at every pixel; under a sketch the photograph's colour goes first.

    Args:
        inputs: "image"; optionally "render", the drawing of an earlier run at the size of
            the result, which spares all networks that draw; and "alpha", the subject's at the
            size of the image, which spares the one that finds it.
        params: ``CartoonParams``.
        models: opens what the look needs, faces and matting included.
        report: progress, stages, weights, notes.

    Returns:
        "image" at ``params.output_size`` with the photograph's alpha; "render": the whole
        drawing at that size and full strength; and, unless the whole picture is drawn,
        "alpha": the subject's at the image's size. The contact sheet, look "all", is opaque.

    Raises:
        UserInputError: ``cartoon.render_size``, ``cartoon.alpha_size``,
            ``cartoon.no_subject``, ``model.other_tool``.
        ModelUnavailableError: the look is unknown, or weights are not installed.

    """
    if not isinstance(params, CartoonParams):
        raise TypeError("cartoon takes CartoonParams")
    picture = inputs["image"]
    size = params.output_size(picture.width, picture.height)
    _note_unused(inputs, params, report)
    with report.span(0.0, 0.15):
        subject = _subject(inputs, params, models, report)
    with report.span(0.15, 0.95):
        photo, full = _photo_and_drawing(inputs, params, size, models, report)
    region = None if subject is None else _drawn_region(subject, params, picture, size)
    if (pencil := _pencil_part(params, picture)) is not None:
        photo = photo.copy()
        within = None if region is None else region[pencil]
        photo[pencil] = fade(photo[pencil], params.strength, within)
    pixels = blend(photo, full, params.strength, region)
    is_opaque = picture.alpha is None or params.look == ALL_LOOKS
    alpha = None if is_opaque or picture.alpha is None else resample(picture.alpha, *size)
    outputs = [
        ToolOutput("image", picture.with_pixels(pixels, alpha)),
        ToolOutput("render", picture.with_pixels(full)),
    ]
    if subject is not None:
        outputs.append(ToolOutput("alpha", picture.with_pixels(picture.pixels, subject)))
    return outputs


def _note_unused(inputs: ToolInputs, params: CartoonParams, report: Report) -> None:
    """Say what was given and decides nothing in this run."""
    note_without_effect(params, report)
    if "render" in inputs:
        report.note(
            msg(
                "Not drawn again: the drawing given was used, with the look and seed it "
                "was made with."
            )
        )
    elif params.look not in (*SEEDED_LOOKS, ALL_LOOKS):
        because = msg("the look {look} has no grain or wobble", look=params.look)
        note_unused(params, "seed", because=because, report=report)
    if params.region is CartoonRegion.PICTURE:
        because = msg("the whole picture was drawn")
        note_unused_input(inputs, "alpha", because=because, report=report)


def _photo_and_drawing(
    inputs: ToolInputs,
    params: CartoonParams,
    size: tuple[int, int],
    models: ModelCache,
    report: Report,
) -> tuple[Pixels, Pixels]:
    """The photograph and its drawing in full strength, both of ``size``."""
    picture = inputs["image"]
    if params.look == ALL_LOOKS:
        return _sheets(inputs, params, size, models, report)
    visible = picture.pixels
    if picture.alpha is not None:
        visible = fill_hidden(visible, picture.alpha)
    photo = _at(visible, size)
    if "render" in inputs:
        return photo, _stored_render(inputs, size)
    if params.look in list(Look):
        with report.span(0.0, 0.1):
            faces = _find_faces(visible, photo, models, report)
        with report.span(0.1, 1.0):
            return photo, draw(photo, faces, Look(params.look), params.seed, models, report)
    from studio.tools.cartoon.styling.stylise import stylise

    model_id = chosen_model(models, params.look, "cartoon", "cartoon").id
    return photo, stylise(visible, model_id, params.long_side_px, models, report)


def _sheets(
    inputs: ToolInputs,
    params: CartoonParams,
    size: tuple[int, int],
    models: ModelCache,
    report: Report,
) -> tuple[Pixels, Pixels]:
    """Two contact sheets: one of photographs only, and one of the looks in full strength."""
    picture = inputs["image"]
    layout = SheetLayout.of(picture.width, picture.height, params.long_side_px)
    visible = picture.pixels
    if picture.alpha is not None:
        visible = composite(visible, picture.alpha, WHITE)
    photo = _at(visible, (layout.picture_width_px, layout.picture_height_px))
    photos = compose_sheet(layout, [photo] * (len(CAPTIONS) + 1))
    if "render" in inputs:
        return photos, _stored_render(inputs, size)
    faces = _find_faces(visible, photo, models, report)
    looks = []
    for index, look in enumerate(CAPTIONS):
        with report.span(index / len(CAPTIONS), (index + 1) / len(CAPTIONS)):
            looks.append(draw(photo, faces, look, params.seed, models, report))
    return photos, compose_sheet(layout, [photo, *looks])


def _find_faces(
    visible: Pixels, photo: Pixels, models: ModelCache, report: Report
) -> list[Features]:
    """Looked for in the photograph as it came, in px of ``photo``, the same at another size."""
    scale = max(photo.shape) / max(visible.shape)
    return [face.moved(scale) for face in find_features(visible, models, report)]


def _stored_render(inputs: ToolInputs, size: tuple[int, int]) -> Pixels:
    stored = inputs["render"]
    with inputs.naming("render"):
        _require_size(stored, size)
    return stored.pixels


def _require_size(stored: Picture, size: tuple[int, int]) -> None:
    if (stored.width, stored.height) != size:
        raise UserInputError(
            msg(
                "The render is {width} × {height} px and the result {wanted} × {high}",
                width=stored.width,
                height=stored.height,
                wanted=size[0],
                high=size[1],
            ),
            remedy=msg("Give the render of a run with the same long side, or none."),
            code="cartoon.render_size",
        )


def _subject(
    inputs: ToolInputs, params: CartoonParams, models: ModelCache, report: Report
) -> Pixels | None:
    """The subject's alpha at the image's size; None when the whole picture is drawn."""
    if params.region is CartoonRegion.PICTURE:
        return None
    picture = inputs["image"]
    if "alpha" in inputs:
        alpha = stored_alpha(inputs, report, SPEC)
    else:
        model = models.open(_MATTING, report)
        report.progress(0.1)
        alpha = predicted_alpha(model, picture)
    if alpha.max() <= EMPTY_LEVEL:
        raise UserInputError(
            msg("No subject was found in this picture"),
            remedy=msg("Draw the whole picture, or give the subject's alpha."),
            code="cartoon.no_subject",
        )
    return alpha


def _drawn_region(
    subject: Pixels, params: CartoonParams, picture: Picture, size: tuple[int, int]
) -> Pixels:
    """``uint8``, 255 where the drawing goes, of ``size``."""
    region = subject if params.region is CartoonRegion.SUBJECT else 255 - subject
    if params.look != ALL_LOOKS:
        return _at(region, size)
    layout = SheetLayout.of(picture.width, picture.height, params.long_side_px)
    return spread_mask(layout, _at(region, (layout.picture_width_px, layout.picture_height_px)))


def _pencil_part(params: CartoonParams, picture: Picture) -> tuple[slice, slice] | None:
    """Rows and columns of the result that are drawn without colour; None where nothing is."""
    if params.look == Look.SKETCH:
        return slice(None), slice(None)
    if params.look == ALL_LOOKS:
        layout = SheetLayout.of(picture.width, picture.height, params.long_side_px)
        return layout.place_of(Look.SKETCH)
    return None


def _at(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return pixels if pixels.shape[1::-1] == size else resample(pixels, *size)
