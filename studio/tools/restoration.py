"""Restoration of faces by a network, shared by face swap and upscale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.faces.face import Face
from studio.imaging.picture import Pixels
from studio.report import Report

if TYPE_CHECKING:
    from studio.models.cache import ModelCache


def restore_faces(
    pixels: Pixels,
    faces: Sequence[Face],
    model_id: str,
    blend: float,
    fidelity: float,
    models: ModelCache,
    report: Report,
) -> Pixels:
    """Redraw each face sharp and clean, and mix it with the face as it was.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``; not changed.
        faces: of ``pixels``, from ``studio.faces.find``.
        model_id: a face restoration model of the catalogue.
        blend: 0 the face as it was, 1 as the network redraws it.
        fidelity: for networks that ask, 1 stays closest to the face as it was.
        models: opens the network.
        report: progress, weights, notes.

    Returns:
        RGB ``uint8 (H, W, 3)``; byte-identical away from the faces.

    Raises:
        UserInputError: ``restoration.not_a_model``, the model restores no faces.
        ModelUnavailableError: the model is unknown or not installed.
        RetriableError: ``memory.exhausted``.

    """
    raise NotImplementedError
