"""Who is who, by whichever recognition network is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.errors import ModelUnavailableError
from studio.faces.aligned_crop import cut_aligned
from studio.models.contracts import EmbeddingContract
from studio.models.embedding import embed
from studio.models.guard import require_contract
from studio.models.runtime import Floats
from studio.report import Report
from studio.tools.faceswap.portrait import Portrait
from studio.words import msg

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
    contract = require_contract(model.spec, EmbeddingContract)
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
        msg(
            "Telling people apart needs a face recognition network, and none is "
            "installed. Run `studio weights pull {id}` ({restriction}), or choose "
            "faces by number and swap with “mesh”.",
            id=first.id,
            restriction=first.licence.restriction,
        ),
        code="model.missing",
    )
