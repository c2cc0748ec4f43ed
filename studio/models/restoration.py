"""Redrawing an aligned face sharp and clean: GFPGAN, CodeFormer, RestoreFormer++."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import FaceRestorationContract, Triple
from studio.models.face_planes import to_crop, to_planes
from studio.models.runtime import Array, memory_exhausted

_HALF: Triple = (0.5, 0.5, 0.5)
"""Mean and standard deviation that turn 0 to 1 into -1 to 1, the range of the whole family."""


def restoration_contract(model: Model) -> FaceRestorationContract:
    """The contract of a face restoration network.

    Raises:
        TypeError: the model is none.

    """
    contract = model.spec.contract
    if not isinstance(contract, FaceRestorationContract):
        raise TypeError(f"{model.spec.id} is not a face restoration network")
    return contract


def restore_crop(model: Model, crop: Pixels, fidelity: float) -> Pixels:
    """``crop`` as the network redraws it.

    Args:
        model: opened by the cache.
        crop: RGB ``uint8 (size_px, size_px, 3)``, warped to the contract's template.
        fidelity: 0 to 1, for networks that ask: 1 stays closest to ``crop``.

    Raises:
        TypeError: the model is not a face restoration network.
        RetriableError: ``memory.exhausted``.

    """
    contract = restoration_contract(model)
    others = (name for name in model.runtime.input_names if name != contract.weight_name)
    inputs: dict[str, Array] = {contract.input_name or next(others): to_planes(crop, _HALF, _HALF)}
    if contract.weight_name is not None:
        inputs[contract.weight_name] = np.array([fidelity], np.float64)
    try:
        output = model.runtime.run(inputs)[0]
    except MemoryError as error:
        raise memory_exhausted(f"a face with {model.spec.title}") from error
    return to_crop(output, _HALF, _HALF)
