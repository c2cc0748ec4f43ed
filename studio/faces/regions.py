"""Faces as regions of a picture, for pages to draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.errors import Region
from studio.faces.face import Face
from studio.imaging.picture import Pixels
from studio.words import Message


def region_of(
    face: Face,
    pixels: Pixels,
    number: int,
    text: Message = Message(""),
    *,
    is_fault: bool = False,
) -> Region:
    """Where a face of ``pixels`` is; ``number`` counts from 1, left to right."""
    flat = face.mesh[:, :2]
    box = np.concatenate([flat.min(axis=0), flat.max(axis=0)])
    return region_of_box(box, pixels, str(number), text, is_fault=is_fault)


def region_of_box(
    box: npt.NDArray[np.floating],
    pixels: Pixels,
    label: str = "",
    text: Message = Message(""),
    *,
    is_fault: bool = False,
) -> Region:
    """A box, left, top, right, bottom in px, as parts of the picture's sides."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = (float(side) for side in box)
    return Region(
        left=left / width,
        top=top / height,
        width=(right - left) / width,
        height=(bottom - top) / height,
        label=label,
        text=text,
        is_fault=is_fault,
    )
