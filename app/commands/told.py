"""How the command line says no: a sentence, and the code of the error in brackets after it."""

from __future__ import annotations

from app.language import _
from db.errors import RecordError
from studio.errors import StudioError
from studio.words import Message


def told(error: StudioError | RecordError, sentence: Message | None = None) -> str:
    """What the error stream has of ``error``: its own words, or ``sentence`` that holds them."""
    return _("{sentence} [{code}]", sentence=sentence or error.message, code=error.code)
