"""Heads drawn by a network of their own and laid over the drawn picture, as DCT-Net does.

Source: https://github.com/menyifang/DCT-Net (``source/cartoonize.py``), Men et al. 2022. The
five points come from our own face mesh in place of DCT-Net's detector and landmark networks, and
each head is pasted at the size of the result in place of 720 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from studio.errors import ModelUnavailableError
from studio.faces.align import align
from studio.faces.face import Face
from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import Alignment
from studio.models.guard import enough_memory
from studio.models.runtime import Floats
from studio.models.style import draw
from studio.report import Report
from studio.tools.cartoon.styling.enlarging import enlarge_drawing
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_Affine = npt.NDArray[np.float64]

_TEMPLATE: Alignment = "dct_net_288"
_WHITE = (255.0, 255.0, 255.0)


def read_blend(path: Path, side_px: int) -> Floats:
    """The mask that lays a head over the picture, ``float32 (side_px, side_px)``, 0 to 1.

    Raises:
        ModelUnavailableError: ``model.unreadable``, the file is no picture.

    """
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ModelUnavailableError(
            msg("The mask {name} is not a picture.", name=path.name), code="model.unreadable"
        )
    mask = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(mask, np.float32) / np.float32(255)


def draw_heads(
    drawn: Pixels,
    photo: Pixels,
    faces: Sequence[Face],
    head: Model,
    blend: Floats,
    models: ModelCache,
    report: Report,
) -> Pixels:
    """Lay every head, drawn by itself, over the drawn picture, left to right.

    Args:
        drawn: RGB ``uint8 (H, W, 3)``; not changed.
        photo: RGB ``uint8 (H, W, 3)``, of the same size.
        faces: of ``photo``.
        head: the network that draws aligned heads.
        blend: ``float32 (S, S)`` from ``read_blend``, S the side of what the network draws.
        models: opens the upscaler for heads larger than that.
        report: progress 0 to 1, weights.

    Returns:
        RGB ``uint8 (H, W, 3)``.

    Raises:
        RetriableError: ``memory.exhausted``.

    """
    result = drawn.copy()
    for index, face in enumerate(faces):
        with report.span(index / len(faces), (index + 1) / len(faces)):
            report.progress(0.0)
            affine = align(face, _TEMPLATE, len(blend))
            _draw_head(result, photo, affine, head, blend, models, report)
    return result


def _draw_head(
    result: Pixels,
    photo: Pixels,
    affine: _Affine,
    head: Model,
    blend: Floats,
    models: ModelCache,
    report: Report,
) -> None:
    """Draw the head that ``affine`` brings to the crop, and blend it into ``result``."""
    side_px = len(blend)
    zoom = np.hypot(affine[0, 0], affine[1, 0])
    # A head larger than the crop is cut at its own size, so that nothing of it is skipped.
    large_px = max(side_px, ceil(side_px / zoom))
    to_large = affine * (large_px / side_px)
    warped = cv2.warpAffine(photo, to_large, (large_px, large_px), borderValue=_WHITE)
    large = np.asarray(warped, np.uint8)
    shrunk = cv2.resize(large, (side_px, side_px), interpolation=cv2.INTER_AREA)
    small = np.asarray(shrunk, np.uint8)
    with enough_memory(
        msg("a head with {model}", model=head.spec.title)
    ):  # the one size that the network takes
        drawn = draw(head, small, report)
    if large_px > side_px:
        drawn, _ = enlarge_drawing(drawn, small, large, models, report)
        wide = cv2.resize(blend, (large_px, large_px), interpolation=cv2.INTER_LINEAR)
        blend = np.asarray(wide, np.float32)
    _lay_over(result, drawn, blend, to_large)


def _lay_over(result: Pixels, drawn: Pixels, blend: Floats, affine: _Affine) -> None:
    """Blend ``drawn``, which ``affine`` was cut with, into ``result`` where it was cut."""
    height, width = result.shape[:2]
    corners = np.array([(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1)]) * (*blend.shape[::-1], 1)
    back = cv2.invertAffineTransform(affine)
    reach = corners @ back.T
    left, top = np.clip(np.floor(reach.min(0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(reach.max(0)) + 1, 0, (width, height)).astype(int)
    if right <= left or bottom <= top:
        return
    back[:, 2] -= (left, top)
    size = (int(right - left), int(bottom - top))
    head = cv2.warpAffine(drawn, back, size, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(blend, back, size)[..., np.newaxis]
    place = result[top:bottom, left:right]
    place[:] = np.rint(head * share + place * (1 - share)).astype(np.uint8)
