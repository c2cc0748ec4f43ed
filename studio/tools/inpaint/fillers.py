"""The ways to fill a hole, built in or a network, and which one suits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.errors import UserInputError
from studio.imaging.picture import Pixels
from studio.models.inpainting import repaint
from studio.params import Filler
from studio.report import Report
from studio.tools.choice import chosen_model
from studio.tools.inpaint import patchmatch
from studio.tools.inpaint.diffusion import navier_stokes, telea
from studio.tools.inpaint.frequency import extrapolate
from studio.tools.inpaint.holes import Hole
from studio.tools.inpaint.mending import mend
from studio.words import N_, Message, msg, verbatim

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_MEND = N_("edges and similar patches")
_ONE_COLOUR = N_("the one colour around")
_RIM_PX = 4
_FLAT_LEVELS = 1
"""How far the colours of a rim may lie apart that counts as one colour."""

_BY_EDGE: dict[str, Callable[[Pixels, Pixels], Pixels]] = {
    Filler.FREQUENCY: extrapolate,
    Filler.TELEA: telea,
    _ONE_COLOUR: telea,
    Filler.NAVIER_STOKES: navier_stokes,
}
_NAMES = {
    Filler.PATCHMATCH: N_("PatchMatch"),
    Filler.FREQUENCY: N_("frequency-selective reconstruction"),
    Filler.TELEA: N_("Telea's fast marching"),
    Filler.NAVIER_STOKES: N_("Navier-Stokes"),
    _MEND: _MEND,
    _ONE_COLOUR: _ONE_COLOUR,
}


def choose_filler(
    hole: Hole, pixels: Pixels, unseen: Pixels, wanted: str, networks: list[str]
) -> str:
    """What fills ``hole``: as wanted, or for "auto" by its shape and what is installed.

    What has one colour all round gets that colour, unless a network or another way is wanted. Thin
    holes are mended from their edges, where no network does better; others go to the
    first of the installed ``networks``, and to PatchMatch when there is none. Where too little
    is open to copy from, what is at the edge is carried in.

    Args:
        hole: the hole.
        pixels: RGB ``uint8 (H, W, 3)`` of the hole's box.
        unseen: ``uint8 (H, W)`` of the same box, above 0 = masked or hidden.
        wanted: a built-in way, "auto", or a network's id.
        networks: ids of those installed.

    """
    if wanted not in (Filler.AUTO, Filler.PATCHMATCH):
        return wanted
    if _has_flat_rim(hole.mask, pixels, unseen):
        return _ONE_COLOUR
    if wanted == Filler.AUTO and hole.is_thin:
        return _MEND
    if wanted == Filler.AUTO and networks:
        return networks[0]
    return Filler.PATCHMATCH if patchmatch.holds_patches(unseen) else Filler.TELEA


def fill_hole(
    filler: str,
    pixels: Pixels,
    hole: Pixels,
    spared: Pixels,
    seed: int,
    models: ModelCache,
    report: Report,
) -> Pixels:
    """Fill one hole by what ``choose_filler`` named.

    Args:
        filler: a built-in way, or a model of the catalogue.
        pixels: RGB ``uint8 (H, W, 3)`` of the hole's box.
        hole: ``uint8 (H, W)``, 255 = to be filled, with whatever else is masked in the box:
            it shows nothing to go by.
        spared: ``uint8 (H, W)``, 255 = not to be copied from: people, and what is hidden.
        seed: of what is random.
        models: opens a network.
        report: progress 0 to 1; told which weights were used.

    Raises:
        UserInputError: ``inpaint.nothing_to_copy``, ``model.other_tool``.
        ModelUnavailableError: the network is not installed.

    """
    _require_surroundings(hole | spared)
    if not hole.any():
        return pixels
    if filler == Filler.PATCHMATCH:
        filled = patchmatch.fill(pixels, hole, spared, seed, report)
    elif filler in _BY_EDGE:
        filled = _BY_EDGE[filler](pixels, hole)
    elif filler == _MEND:
        filled = mend(pixels, hole)
    else:
        model = models.open(chosen_model(models, filler, "inpaint", "inpainting").id, report)
        filled = repaint(model, pixels, hole)
    report.progress(1.0)
    return filled


def filler_name(filler: str, models: ModelCache) -> Message:
    """What a filler is called in sentences."""
    name = _NAMES.get(filler)
    return verbatim(models.spec(filler).title) if name is None else Message(name)


def _has_flat_rim(hole: Pixels, pixels: Pixels, unseen: Pixels) -> bool:
    """Whether all that is open within a few pixels of ``hole`` has one colour."""
    reach = np.ones((2 * _RIM_PX + 1, 2 * _RIM_PX + 1), np.uint8)
    rim = pixels[(cv2.dilate(hole, reach) > 0) & (unseen == 0)]
    return len(rim) > 0 and bool((np.ptp(rim, axis=0) <= _FLAT_LEVELS).all())


def _require_surroundings(hole: Pixels) -> None:
    """Networks finish what they are shown, too; from nothing they paint nothing that is meant."""
    if not (hole == 0).any():
        raise UserInputError(
            msg("The whole picture is masked, so there is nothing to fill it from"),
            remedy=msg("Leave some of it unmasked."),
            code="inpaint.nothing_to_copy",
        )
