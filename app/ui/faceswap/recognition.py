"""The networks that tell people apart, which likeness and every swapping network need."""

from __future__ import annotations

from app.ui.models import ModelChoice, model_choices
from studio.models.contracts import EmbeddingContract
from studio.settings import Settings


def recognisers(settings: Settings) -> list[ModelChoice]:
    """What can compare two faces, what is installed first; one of them is enough."""
    # The task has bridges from one embedding to another as well, which see no face.
    return [
        choice
        for choice in model_choices(settings, "faceswap", "face-embedding")
        if choice.spec and isinstance(choice.spec.contract, EmbeddingContract)
    ]
