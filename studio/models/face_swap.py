"""Putting an identity onto an aligned face, as the model's contract says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import FaceSwapContract
from studio.models.face_planes import to_crop, to_planes
from studio.models.guard import enough_memory, require_contract
from studio.models.runtime import Floats
from studio.words import msg


@dataclass(frozen=True, slots=True)
class SwappedCrop:
    """A face with another identity.

    Attributes:
        pixels: RGB ``uint8 (S, S, 3)``.
        changed: ``float32 (S, S)``, 0 to 1, where the network says it changed the face;
            None when it does not say.

    """

    pixels: Pixels
    changed: Floats | None


def boosted_size_px(contract: FaceSwapContract, boost_px: int) -> int:
    """The multiple of the network's own side that reaches ``boost_px``."""
    return contract.size_px * max(1, -(-boost_px // contract.size_px))


def swap_crop(model: Model, crop: Pixels, embedding: Floats) -> SwappedCrop:
    """``crop`` with the identity of ``embedding``.

    A crop of N times the network's side is taken apart into N x N pictures of every Nth pixel,
    which the network sees one by one ("pixel boost", FaceFusion): detail returns with the
    interleaving.

    Args:
        model: opened by the cache.
        crop: RGB ``uint8 (S, S, 3)``, warped to the contract's template; S a multiple of the
            contract's side.
        embedding: ``float32 (512,)``, bridged and normalised as the contract says.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no face swap network.
        ValueError: the crop has another size.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, FaceSwapContract)
    side_px = crop.shape[0]
    if crop.shape[:2] != (side_px, side_px) or side_px % contract.size_px:
        raise ValueError(f"{model.spec.id} takes squares of a multiple of {contract.size_px} px")
    step = side_px // contract.size_px
    pixels = np.empty_like(crop)
    changed = None
    if contract.mask_output is not None:
        changed = np.empty((side_px, side_px), np.float32)
    for top in range(step):
        for left in range(step):
            part = (slice(top, None, step), slice(left, None, step))
            swapped = _swap_part(model, contract, crop[part], embedding)
            pixels[part] = swapped.pixels
            if changed is not None and swapped.changed is not None:
                changed[part] = swapped.changed
    return SwappedCrop(pixels, changed)


def _swap_part(
    model: Model, contract: FaceSwapContract, part: Pixels, embedding: Floats
) -> SwappedCrop:
    inputs = {
        contract.target_name: to_planes(part, contract.mean, contract.std),
        contract.source_name: embedding[np.newaxis].astype(np.float32),
    }
    with enough_memory(msg("a face with {model}", model=model.spec.title)):
        outputs = model.runtime.run(inputs)
    pixels = to_crop(outputs[0], contract.output_mean, contract.output_std)
    if contract.mask_output is None:
        return SwappedCrop(pixels, None)
    changed = np.clip(np.squeeze(outputs[contract.mask_output]), 0, 1)
    return SwappedCrop(pixels, np.asarray(changed, np.float32))
