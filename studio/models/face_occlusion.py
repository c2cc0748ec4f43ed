"""Where a face is covered, by a network (XSeg, from DeepFaceLab)."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import FaceOcclusionContract
from studio.models.guard import enough_memory, require_contract
from studio.models.runtime import Floats
from studio.words import msg


def uncovered(model: Model, crop: Pixels) -> Floats:
    """How surely each pixel of a face crop shows the face itself.

    Args:
        model: opened by the cache.
        crop: RGB ``uint8 (H, W, 3)``.

    Returns:
        ``float32 (H, W)``, 1 = face, 0 = a hand, hair, or no face at all.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no occlusion network.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, FaceOcclusionContract)
    size = (contract.size_px, contract.size_px)
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    blob = cv2.cvtColor(small, cv2.COLOR_RGB2BGR).astype(np.float32)[np.newaxis] / 255
    name = contract.input_name or model.runtime.input_names[0]
    with enough_memory(msg("a face with {model}", model=model.spec.title)):
        answer = np.squeeze(model.runtime.run({name: blob})[0]).astype(np.float32)
    full = cv2.resize(answer, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(full, 0, 1), np.float32)
