"""What people are told, in English, as tests compare it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.words import Message


def said(notes: Sequence[Message]) -> list[str]:
    """Each of ``notes`` as an English reader reads it."""
    return [str(note) for note in notes]
