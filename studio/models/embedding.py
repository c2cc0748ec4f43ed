"""Who somebody is, as a vector: ArcFace and the bridges to other networks' vectors."""

from __future__ import annotations

import numpy as np

from studio.imaging.picture import Pixels
from studio.models.cache import Model
from studio.models.contracts import EmbeddingBridgeContract, EmbeddingContract
from studio.models.face_planes import to_planes
from studio.models.guard import enough_memory, require_contract
from studio.models.runtime import Floats
from studio.words import msg


def embed(model: Model, crop: Pixels) -> Floats:
    """The embedding of an aligned face, not normalised.

    Args:
        model: opened by the cache.
        crop: RGB ``uint8 (size_px, size_px, 3)``, warped to the contract's template.

    Returns:
        ``float32 (512,)``.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no recognition network.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, EmbeddingContract)
    name = contract.input_name or model.runtime.input_names[0]
    with enough_memory(msg("a face with {model}", model=model.spec.title)):
        output = model.runtime.run({name: to_planes(crop, contract.mean, contract.std)})[0]
    return np.asarray(output, np.float32).ravel()


def cross_bridge(model: Model, embedding: Floats) -> Floats:
    """``embedding``, not normalised, as the network on the other side of a bridge wants it.

    Raises:
        ModelUnavailableError: ``model.unsupported``, it is no bridge.
        RetriableError: ``memory.exhausted``.

    """
    contract = require_contract(model.spec, EmbeddingBridgeContract)
    name = contract.input_name or model.runtime.input_names[0]
    with enough_memory(msg("a face with {model}", model=model.spec.title)):
        output = model.runtime.run({name: embedding[np.newaxis]})[0]
    return np.asarray(output, np.float32).ravel()


def unit(embedding: Floats) -> Floats:
    """``embedding`` with length 1."""
    return np.asarray(embedding / (np.linalg.norm(embedding) + 1e-12), np.float32)


def likeness(one: Floats, other: Floats) -> float:
    """Cosine of the angle between two embeddings, 1 the same; different people are near 0."""
    return float(unit(one) @ unit(other))
