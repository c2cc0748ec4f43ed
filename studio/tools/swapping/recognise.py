"""Who is who, by whichever recognition network is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import ModelUnavailableError
from studio.models.contracts import EmbeddingContract
from studio.models.embedding import embed
from studio.models.runtime import Floats
from studio.report import Report
from studio.tools.swapping.crop import cut_aligned
from studio.tools.swapping.portrait import Portrait

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

RECOGNISERS = ("arcface-w600k-r50", "w600k-r50")
"""Two exports of one network; the first that is installed is used."""


def embedding_of(portrait: Portrait, models: ModelCache, report: Report) -> Floats:
    """The ArcFace embedding of a face, ``float32 (512,)``, not normalised.

    Raises:
        ModelUnavailableError: ``model.missing``, no recognition network is installed.

    """
    model = models.open(installed_recogniser(models), report)
    contract = model.spec.contract
    if not isinstance(contract, EmbeddingContract):
        raise TypeError(f"{model.spec.id} is not a recognition network")
    crop = cut_aligned(portrait.pixels, portrait.face, contract.alignment, contract.size_px)
    return embed(model, crop.pixels)


def installed_recogniser(models: ModelCache) -> str:
    """The recognition network to use.

    Raises:
        ModelUnavailableError: ``model.missing``.

    """
    for model_id in RECOGNISERS:
        if models.is_installed(model_id):
            return model_id
    first = models.spec(RECOGNISERS[0])
    raise ModelUnavailableError(
        "Telling people apart needs a face recognition network, and none is installed. "
        f"Run `studio weights pull {first.id}` ({first.licence.restriction}), or choose faces by "
        "number and swap with “mesh”.",
        code="model.missing",
    )
