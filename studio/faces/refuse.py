"""Why no face was found in a picture, and the refusal that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.errors import Region, UserInputError
from studio.faces.detect import Proposal
from studio.faces.face import Face
from studio.faces.find import Search, search_faces
from studio.faces.regions import region_of_box
from studio.imaging.picture import Pixels
from studio.report import Report
from studio.words import Message, msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_LEAST_SIDE_PX = 24
_DARK_LEVEL = 40
"""Of 255: a picture whose bright parts stay below this shows no features."""
_LEAST_CONTRAST = 16
_FILLS = 0.8
"""Share of the picture that a head fills when nothing is left around it."""


_THIS_PICTURE = msg("this picture")


@dataclass(frozen=True, slots=True)
class Absence:
    """Why there is no face, as well as can be known.

    Attributes:
        reason: the end of the sentence "no face was found: ...".
        remedy: what may help, a sentence.
        regions: what looks most like a face and is none.

    """

    reason: Message
    remedy: Message
    regions: tuple[Region, ...] = ()


def require_faces(
    pixels: Pixels,
    models: ModelCache,
    report: Report,
    *,
    code: str,
    where: Message = _THIS_PICTURE,
    is_main: bool = True,
) -> list[Face]:
    """``find.find_faces``, or a refusal when there is none.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        models: as ``find_faces``.
        report: as ``find_faces``.
        code: of the refusal, such as ``faceswap.no_face``.
        where: what the sentence calls the picture, such as "source 2".
        is_main: whether it is the run's main picture, on which regions are drawn.

    Raises:
        UserInputError: ``code``.
        ModelUnavailableError: a network is not installed.

    """
    search = search_faces(pixels, models, report)
    if search.faces:
        return list(search.faces)
    absence = why_none(search, pixels)
    raise UserInputError(
        msg("No face was found in {where}: {reason}", where=where, reason=absence.reason),
        remedy=absence.remedy,
        code=code,
        regions=absence.regions if is_main else (),
    )


def why_none(search: Search, pixels: Pixels) -> Absence:
    """What speaks against ``pixels``, in which ``search`` found no face; the plainest first."""
    height, width = pixels.shape[:2]
    if min(height, width) < _LEAST_SIDE_PX:
        return Absence(
            msg("it is only {width} × {height} px", width=width, height=height),
            msg("Choose a larger picture."),
        )
    low, high = np.percentile(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (5, 95))
    if high < _DARK_LEVEL:
        return Absence(msg("it is too dark"), msg("Brighten it, or choose another picture."))
    if high - low < _LEAST_CONTRAST:
        return Absence(msg("it shows hardly any contrast"), msg("Choose a clearer picture."))
    if any(_share(one, width, height) > _FILLS for one in search.doubtful):
        return Absence(
            msg("the head fills the frame"),
            msg("Add a border, or choose a picture that shows the whole head."),
        )
    surest = sorted(search.doubtful, key=lambda one: -one.score)[:1]
    return Absence(
        msg("nothing looks clearly like one"),
        msg(
            "Choose a picture that shows a face from the front; if the head fills the "
            "frame, add a border."
        ),
        tuple(
            region_of_box(one.box, pixels, text=msg("not clearly a face"), is_fault=True)
            for one in surest
        ),
    )


def _share(proposal: Proposal, width_px: int, height_px: int) -> float:
    """Share of the picture that a box covers."""
    sides = np.minimum(proposal.box[2:], (width_px, height_px)) - np.maximum(proposal.box[:2], 0)
    return float(np.prod(np.maximum(sides, 0))) / (width_px * height_px)
