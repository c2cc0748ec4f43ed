"""The networks that tell people apart, which likeness and every swapping network need."""

from __future__ import annotations

from app.ui.models import ModelChoice, model_choices
from studio.settings import Settings


def recognisers(settings: Settings) -> list[ModelChoice]:
    """What can compare two faces, what is installed first; one of them is enough."""
    return model_choices(settings, "faceswap", "face-embedding")
