"""Running the small face networks on pictures, as their catalogue entries say."""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import NetworkContract
from studio.models.guard import enough_memory, require_contract
from studio.models.runtime import Floats
from studio.models.tflite_runtime import INPUT
from studio.words import msg


def answer(model: Model, crop: Pixels) -> list[Floats]:
    """What a network says of ``crop``, RGB ``uint8`` of its input size: outputs as in its entry.

    Raises:
        ModelUnavailableError: ``model.unsupported``.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, NetworkContract)
    (port,) = contract.inputs
    mean = port.mean[0] * port.divide_by
    blob = cv2.dnn.blobFromImage(crop, 1 / port.divide_by, mean=(mean, mean, mean))
    with enough_memory(msg("a face with {model}", model=model.spec.title)):
        return [np.asarray(output, np.float32) for output in model.runtime.run({INPUT: blob})]


def sigmoid(logits: Floats) -> Floats:
    """Belief 0 to 1, clipped where the exponential would leave the range of floats."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)
