"""A language that nobody has to learn: every sentence of the catalogue between ⟦ and ⟧.

What a door says without them went past the catalogue.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import write_po

from studio.words import language
from tests.messages import TEMPLATE, read

PSEUDO = "eo"
"""Esperanto stands in: a tag that browsers may send, with rules for numbers of its own."""


def teach(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process speak ``PSEUDO``, by a catalogue that it finds in ``folder``."""
    catalogue = read(TEMPLATE, locale=PSEUDO)
    for message in catalogue:
        if isinstance(message.id, tuple):
            message.string = tuple(f"⟦{text}⟧" for text in message.id)
        elif message.id:
            message.string = f"⟦{message.id}⟧"
    path = folder / PSEUDO / "LC_MESSAGES" / f"{language.DOMAIN}.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(language, "LOCALES", folder)
    forget()


def forget() -> None:
    """Have this process look anew which languages there are."""
    for remembered in (language.language, language.locales, language.best_language):
        remembered.cache_clear()


def unbracketed(text: str) -> str:
    """What of ``text`` stands in no ⟦…⟧, without blanks."""
    depth, outside = 0, ""
    for char in text:
        depth += (char == "⟦") - (char == "⟧")
        outside += char if not depth and char not in "⟦⟧" else ""
    return outside.strip()
