"""The ways to fill a region, built in or a network, and which one suits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.errors import UserInputError
from studio.imaging.picture import Pixels
from studio.models.inpainting import repaint
from studio.params import Filler
from studio.report import Report
from studio.tools.choice import chosen_model
from studio.tools.inpainting import patchmatch
from studio.tools.inpainting.diffusion import navier_stokes, telea
from studio.tools.inpainting.frequency import extrapolate
from studio.tools.inpainting.mending import mend
from studio.tools.inpainting.regions import Region

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_MEND = "edges and similar patches"

_BY_EDGE: dict[str, Callable[[Pixels, Pixels], Pixels]] = {
    Filler.FREQUENCY: extrapolate,
    Filler.TELEA: telea,
    Filler.NAVIER_STOKES: navier_stokes,
}
_NAMES: dict[str, str] = {
    Filler.PATCHMATCH: "PatchMatch",
    Filler.FREQUENCY: "frequency-selective reconstruction",
    Filler.TELEA: "Telea's fast marching",
    Filler.NAVIER_STOKES: "Navier-Stokes",
    _MEND: _MEND,
}


def choose_filler(region: Region, closed: Pixels, wanted: str, networks: list[str]) -> str:
    """What fills ``region``: as wanted, or for "auto" by its shape and what is installed.

    Thin holes are mended from their edges, where no network does better; others go to the
    first of the installed ``networks``, and to PatchMatch when there is none. Where too little
    is open to copy from, what is at the edge is carried in.
    """
    if wanted not in (Filler.AUTO, Filler.PATCHMATCH):
        return wanted
    if wanted == Filler.AUTO and region.is_thin:
        return _MEND
    if wanted == Filler.AUTO and networks:
        return networks[0]
    return Filler.PATCHMATCH if patchmatch.holds_patches(closed) else Filler.TELEA


def fill_region(
    filler: str,
    pixels: Pixels,
    hole: Pixels,
    spared: Pixels,
    seed: int,
    models: ModelCache,
    report: Report,
) -> Pixels:
    """Fill one region by what ``choose_filler`` named.

    Args:
        filler: a built-in way, or a model of the catalogue.
        pixels: RGB ``uint8 (H, W, 3)`` of the region's box.
        hole: ``uint8 (H, W)``, 255 = to be filled, with whatever else is masked in the box:
            it shows nothing to go by.
        spared: ``uint8 (H, W)``, 255 = not to be copied from.
        seed: of what is random.
        models: opens a network.
        report: progress 0 to 1; told which weights were used.

    Raises:
        UserInputError: ``inpaint.nothing_to_copy``, ``model.other_tool``.
        ModelUnavailableError: the network is not installed.

    """
    _require_surroundings(hole)
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


def filler_name(filler: str, models: ModelCache) -> str:
    """What a filler is called in sentences."""
    return _NAMES.get(filler) or models.spec(filler).title


def _require_surroundings(hole: Pixels) -> None:
    """Networks finish what they are shown, too; from nothing they paint nothing that is meant."""
    if not (hole == 0).any():
        raise UserInputError(
            "The whole picture is masked, so there is nothing to fill it from",
            remedy="Leave some of it unmasked.",
            code="inpaint.nothing_to_copy",
        )
