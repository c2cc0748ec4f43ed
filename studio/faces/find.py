"""Finding faces: two detectors propose, the mesh network confirms and measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.faces.face import Face
from studio.imaging.picture import Pixels
from studio.report import Report

if TYPE_CHECKING:
    from studio.models.cache import ModelCache


def find_faces(pixels: Pixels, models: ModelCache, report: Report) -> list[Face]:
    """Every face of a picture, left to right.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``.
        models: opens the default detectors, the mesh and the iris network.
        report: told which weights were used.

    Raises:
        ModelUnavailableError: a network is not installed.

    """
    raise NotImplementedError
