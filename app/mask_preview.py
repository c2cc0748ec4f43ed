"""The mask of an inpaint run on a reduced picture, for pages: no cv2, a few milliseconds.

Lengths of the parameters are in pixels of the picture and are scaled with it, so the preview
has the geometry of the run to a pixel of the preview.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from app.fabric import View
from studio.imaging.decode import Limits, decode
from studio.imaging.drawing import Drawing, painted
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.params import HOLE_LEVEL, InpaintParams

TINT = (255, 59, 48)
_TINT_OPACITY = 0.55


def preview_mask(
    params: InpaintParams, drawing: Drawing, given: Pixels | None, width_px: int, height_px: int
) -> Pixels:
    """What would be repainted of a picture reduced to this size, ``uint8 (H, W)``.

    ``drawing`` has the size of the picture itself; ``given`` is a mask of it in any size.
    """
    view = View(0, 0, drawing.width_px, drawing.height_px, width_px, height_px)
    mask = start_mask(params, given, drawing, view)
    mask = painted(drawing, width_px, height_px, mask)
    if params.invert:
        mask = np.asarray(255 - mask, dtype=np.uint8)
    mask = _grow(mask, params.grow_px * view.scale)
    return _soften(mask, params.feather_px * view.scale)


def start_mask(params: InpaintParams, given: Pixels | None, drawing: Drawing, view: View) -> Pixels:
    """What is masked before anything is painted, as ``view`` shows it, ``uint8 (H, W)``.

    The ready-made and the given mask; of ``drawing`` only the size counts.
    """
    mask = np.zeros(view.size[::-1], dtype=np.uint8)
    left, top, right, bottom = params.preset_box(drawing.width_px, drawing.height_px)
    corners = view.to_canvas(np.array([(left, top), (right, bottom)], dtype=np.float64))
    (left, top), (right, bottom) = np.rint(corners.clip(0, view.size)).astype(int).tolist()
    mask[top:bottom, left:right] = 255
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


def _grow(mask: Pixels, distance_px: float) -> Pixels:
    """The mask, widened by a disc; narrowed where ``distance_px`` is negative."""
    if abs(distance_px) < 0.5:
        return mask
    if distance_px < 0:
        return np.asarray(255 - _grow(255 - mask, -distance_px), dtype=np.uint8)
    is_near = _squared_distance(mask >= HOLE_LEVEL, distance_px) <= distance_px**2
    return np.where(is_near, np.uint8(255), mask)


def _soften(mask: Pixels, reach_px: float) -> Pixels:
    """The seam, faded outwards over ``reach_px``; what is masked stays so."""
    if reach_px < 0.5:
        return mask
    blurred = Image.fromarray(mask).filter(ImageFilter.GaussianBlur(reach_px / 3))
    return np.asarray(np.maximum(mask, np.asarray(blurred)))


def _squared_distance(is_set: npt.NDArray[np.bool_], reach_px: float) -> npt.NDArray[np.float32]:
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


@lru_cache(maxsize=16)
def decode_mask(data: bytes, *, max_pixels: int) -> Pixels:
    """A stored mask as runs read it, from its alpha or else its grey, ``uint8 (H, W)``.

    Raises:
        UserInputError: as ``studio.imaging.decode.decode`` does.

    """
    picture = decode(data, file_name="mask", limits=Limits(len(data), max_pixels))
    if picture.alpha is not None:
        return picture.alpha
    return np.asarray(Image.fromarray(picture.pixels).convert("L"))


def hardened(mask: Pixels) -> Pixels:
    """A given mask without half-tones, as a run takes it: 0 or 255."""
    return np.where(mask >= HOLE_LEVEL, np.uint8(255), np.uint8(0))
