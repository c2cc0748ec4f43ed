"""Redrawing an aligned face sharp and clean: GFPGAN, CodeFormer, RestoreFormer++."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import FaceRestorationContract, Triple
from studio.models.face_planes import to_crop, to_planes
from studio.models.guard import enough_memory, require_contract
from studio.models.runtime import Array
from studio.words import msg

_HALF: Triple = (0.5, 0.5, 0.5)
"""Mean and standard deviation that turn 0 to 1 into -1 to 1, the range of the whole family."""


def restore_crop(model: Model, crop: Pixels, fidelity: float) -> Pixels:
    """``crop`` as the network redraws it.

    Args:
        model: opened by the cache.
        crop: RGB ``uint8 (size_px, size_px, 3)``, warped to the contract's template.
        fidelity: 0 to 1, for networks that ask: 1 stays closest to ``crop``.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no face restoration network.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, FaceRestorationContract)
    others = (name for name in model.runtime.input_names if name != contract.weight_name)
    inputs: dict[str, Array] = {contract.input_name or next(others): to_planes(crop, _HALF, _HALF)}
    if contract.weight_name is not None:
        inputs[contract.weight_name] = np.array([fidelity], np.float64)
    with enough_memory(msg("a face with {model}", model=model.spec.title)):
        output = model.runtime.run(inputs)[0]
    return to_crop(output, _HALF, _HALF)
