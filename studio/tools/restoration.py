"""Restoration of faces by a network, shared by face swap and upscale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from studio.faces.aligned_crop import box_mask, cut_aligned, paste
from studio.faces.face import Face
from studio.imaging.picture import Pixels
from studio.models.catalogue import ModelSpec
from studio.models.contracts import FaceRestorationContract
from studio.models.guard import require_contract
from studio.models.restoration import restore_crop
from studio.report import Report

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_MASK_BLUR = 0.3
"""Softness of the seam as a part of half the crop."""


def has_fidelity(spec: ModelSpec) -> bool:
    """Whether a face restoration model asks how close to stay to the face as it was."""
    contract = spec.contract
    return isinstance(contract, FaceRestorationContract) and contract.weight_name is not None


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
        model_id: a face restoration model of the catalogue, as ``choice.require_model`` takes.
        blend: 0 the face as it was, 1 as the network redraws it.
        fidelity: for networks that ask, 1 stays closest to the face as it was.
        models: opens the network.
        report: progress, weights, notes.

    Returns:
        RGB ``uint8 (H, W, 3)``; byte-identical away from the faces.

    Raises:
        ModelUnavailableError: the model is unknown or not installed.
        RetriableError: ``memory.exhausted``.

    """
    model = models.open(model_id, report)
    contract = require_contract(model.spec, FaceRestorationContract)
    mask = box_mask(contract.size_px, _MASK_BLUR, (0, 0, 0, 0)) * np.float32(blend)
    for done, face in enumerate(faces):
        report.progress(done / len(faces))
        crop = cut_aligned(pixels, face, contract.alignment, contract.size_px)
        pixels = paste(pixels, crop, restore_crop(model, crop.pixels, fidelity), mask)
    return pixels
