"""Text from outside, such as names of files and people, where Streamlit reads Markdown."""

from __future__ import annotations

import re

from app.ui.words import said
from db.errors import RecordError
from studio.errors import StudioError
from studio.words import Message

_MARKUP = re.compile(r"[\\`*_\[\]<$~&]|(?<=^)[#>|=+:-]|(?<=^ )[#>|=+:-]")
"""What Markdown reads as markup: anywhere in a line, or where one begins."""

_NUMBERED = re.compile(r"^( ?\d+)(?=[.)])")
"""What makes a line an item of a list."""

_REPLACED = re.compile(
    r"(?<=:)(?=[^\s:])|(?<=@)(?=\w)|(?<=www)(?=\.)|(?<=[<>~-])(?=[>=-])", re.IGNORECASE
)
"""Places within what Streamlit replaces after Markdown was read, escaped or not.

Links, ``:icons:``, and arrows such as ``->``.
"""

_WORD_JOINER = "\N{WORD JOINER}"
"""Has no width and breaks no line."""


def literal(text: str) -> str:
    """``text`` so that titles, labels, captions, Markdown and toasts show it as it is, in one line.

    Blanks in a row show as one. Markup for ``st.html`` takes ``html.escape`` instead.
    """
    broken = _REPLACED.sub(_WORD_JOINER, re.sub(r"\s+", " ", text))
    return _NUMBERED.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", broken))


def literal_sentence(words: Message | StudioError | RecordError | str) -> str:
    """As ``literal``, of a sentence in which a command stands between backticks."""
    text = said(words)
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return literal(text)
    return "".join(f"`{part}`" if i % 2 else literal(part) for i, part in enumerate(parts))
