"""The mask of an inpaint run on a reduced picture, for pages: no cv2, a few milliseconds.

Lengths of the parameters are in pixels of the picture and are scaled with it, so the preview
has the geometry of the run to a pixel of the preview.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from app.painting.canvas_json import View
from studio.imaging.confined import paint_confined
from studio.imaging.drawing import Drawing
from studio.imaging.mask_steps import Flags, finished, with_box
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.params import InpaintParams, MaskPreset
from tasks.reading import reading_pool

TINT = (255, 59, 48)
_TINT_OPACITY = 0.55
_CLOSE_PIXELS = 16_000_000
"""Most that are looked at to find what a reduced picture does not show."""


def preview_mask(
    params: InpaintParams,
    drawing: Drawing,
    given: Pixels | None,
    width_px: int,
    height_px: int,
    *,
    owner: Hashable = None,
) -> Pixels:
    """What would be repainted of a picture reduced to this size, ``uint8 (H, W)``.

    ``drawing`` has the size of the picture itself; ``given`` is a mask of it in any size;
    ``owner`` is who looks.

    Raises:
        UserInputError: the drawing cannot be painted within the bounds.
        RetriableError: too many files are being read.

    """
    view = View(0, 0, drawing.width_px, drawing.height_px, width_px, height_px)
    mask = start_mask(params, given, drawing, view)
    mask = paint_confined(reading_pool(), drawing, mask, file_name="", owner=owner)
    return finished(
        mask,
        invert=params.invert,
        grow_px=params.grow_px * view.scale,
        feather_px=params.feather_px * view.scale,
        is_near=is_near,
        blur=blurred,
    )


def has_mask(
    params: InpaintParams, drawing: Drawing, given: Pixels | None, *, owner: Hashable = None
) -> bool:
    """Whether a run would repaint anything, be it less than a reduced picture shows.

    It looks at the whole picture where a mask is given or ready-made, and round the strokes, both
    at their size up to ``_CLOSE_PIXELS``, and takes any trace for a yes, however much it would be
    narrowed: a run refuses in a sentence what comes to nothing, but nobody could overrule a no.
    Arguments and errors are those of ``preview_mask``.
    """
    return any(
        _is_marked(params, drawing, given, view, owner)
        for view in _close_views(params, drawing, given)
    )


def _is_marked(
    params: InpaintParams, drawing: Drawing, given: Pixels | None, view: View, owner: Hashable
) -> bool:
    mask = start_mask(params, given, drawing, view)
    mask = paint_confined(reading_pool(), view.show(drawing), mask, file_name="", owner=owner)
    return bool((255 - mask if params.invert else mask).any())


def _close_views(params: InpaintParams, drawing: Drawing, given: Pixels | None) -> Iterator[View]:
    size = drawing.width_px, drawing.height_px
    if given is not None or params.preset is not MaskPreset.NONE:
        yield _close_view((0, 0, *size))
    if not drawing.strokes:
        return
    reaches = [(stroke.array(), stroke.width_px / 2 + 1) for stroke in drawing.strokes]
    first = np.min([points.min(axis=0) - reach for points, reach in reaches], axis=0)
    last = np.max([points.max(axis=0) + reach for points, reach in reaches], axis=0)
    left, top = np.floor(first.clip(0, size)).astype(int).tolist()
    right, bottom = np.ceil(last.clip(0, size)).astype(int).tolist()
    if left < right and top < bottom:
        yield _close_view((left, top, right, bottom))


def _close_view(box: tuple[int, int, int, int]) -> View:
    """This part of a picture, at its size or at the most that is looked at."""
    left, top, right, bottom = box
    width_px, height_px = right - left, bottom - top
    scale = min((_CLOSE_PIXELS / (width_px * height_px)) ** 0.5, 1)
    size = max(int(width_px * scale), 1), max(int(height_px * scale), 1)
    return View(left, top, width_px, height_px, *size)


def start_mask(params: InpaintParams, given: Pixels | None, drawing: Drawing, view: View) -> Pixels:
    """What is masked before anything is painted, as ``view`` shows it, ``uint8 (H, W)``.

    The ready-made and the given mask; of ``drawing`` only the size counts.
    """
    mask = np.zeros(view.size[::-1], dtype=np.uint8)
    left, top, right, bottom = params.preset_box(drawing.width_px, drawing.height_px)
    corners = view.to_canvas(np.array([(left, top), (right, bottom)], dtype=np.float64))
    (left, top), (right, bottom) = np.rint(corners.clip(0, view.size)).astype(int).tolist()
    mask = with_box(mask, (left, top, right, bottom))
    if given is None:
        return mask
    across, down = given.shape[1] / drawing.width_px, given.shape[0] / drawing.height_px
    x0, y0, x1, y1 = view.box
    box = (x0 * across, y0 * down, min(x1 * across, given.shape[1]), min(y1 * down, len(given)))
    return np.asarray(np.maximum(mask, resample(given, *view.size, box=box)))


def tint_png(mask: Pixels) -> bytes:
    """The mask as a layer to lay over the picture: red where it repaints, else transparent."""
    layer = np.empty((*mask.shape, 4), dtype=np.uint8)
    layer[..., :3] = TINT
    layer[..., 3] = np.rint(mask * _TINT_OPACITY)
    buffer = BytesIO()
    Image.fromarray(layer).save(buffer, "PNG")
    return buffer.getvalue()


def tinted(pixels: Pixels, mask: Pixels) -> Pixels:
    """A picture with the mask over it, ``uint8 (H, W, 3)``; both of one size."""
    over = (mask / 255 * _TINT_OPACITY)[..., np.newaxis]
    return np.rint(pixels * (1 - over) + np.array(TINT) * over).astype(np.uint8)


def is_near(is_set: Flags, reach_px: float) -> Flags:
    """Whether each pixel lies within ``reach_px`` of one that is set, ``bool (H, W)``."""
    return np.asarray(_squared_distance(is_set, reach_px) <= reach_px**2)


def blurred(mask: Pixels, sigma_px: float) -> Pixels:
    """``mask``, ``uint8 (H, W)``, blurred nearly as by a Gaussian: Pillow repeats box blurs."""
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(sigma_px)))


def _squared_distance(is_set: Flags, reach_px: float) -> npt.NDArray[np.float32]:
    """To the nearest pixel that is set, exact up to ``reach_px``: rows first, then columns."""
    reach = int(np.ceil(reach_px))
    far = np.float32((reach + 1) ** 2 * 4)
    within = np.where(is_set, np.float32(0), far)
    return _lower(_lower(within, reach), reach)


def _lower(values: npt.NDArray[np.float32], reach: int) -> npt.NDArray[np.float32]:
    """The least of ``values`` plus the squared way to them along columns; transposed."""
    found = values.copy()
    for step in range(1, min(reach, len(values) - 1) + 1):
        cost = np.float32(step * step)
        np.minimum(found[step:], values[:-step] + cost, out=found[step:])
        np.minimum(found[:-step], values[step:] + cost, out=found[:-step])
    return found.T
