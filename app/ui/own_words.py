"""What Streamlit says by itself, and has no option for, in the words of the studio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.formatting import file_size
from app.ui.words import _, said

Pairs = Sequence[tuple[str, str]]
"""Patterns of a script in the browser, each for the whole of what is said, and what to say instead.

``$1`` is what Streamlit's words name.
"""


class OwnWords(NamedTuple):
    """Labels for screen readers, and texts: those stand in lists among what people have written."""

    labels: Pairs
    texts: Pairs


def own_words(max_upload_bytes: int) -> OwnWords:
    """What the pages say instead, in the reader's language."""
    most = said(file_size(max_upload_bytes))
    too_large = _("The file is larger than the {most} that a picture may have.", most=most)
    labels = [
        ("Sidebar", _("Menu")),
        ("Expand sidebar", _("Open the menu")),
        ("Collapse sidebar", _("Close the menu")),
        ("Navigate to home page", _("To the first page")),
        ("App pages", _("Pages")),
        ("Open", _("Open the list")),
        ("Selected values", _("Chosen")),
        ("Clear value|Clear all|Clear date", _("Clear")),
        ("Choose date", _("Choose a day")),
        ("Dismiss|Close", _("Close")),
        ("Increment", _("More")),
        ("Decrement", _("Less")),
        ("Remove (.+)", _("Take {name} out", name="$1")),
        ("Cancel upload of (.+)", _("Do not send {name}", name="$1")),
        ("Help for (.+)", _("What {name} means", name="$1")),
        ("Add files", _("Choose files")),
    ]
    texts = [
        ("Skip to main content", _("Skip to the page")),
        ("No results", _("Nothing found")),
        ("Add: (.+)", _("Add “{word}”", word="$1")),
        ("Error: ", ""),
        (r"File must be .+ or smaller\.", too_large),
    ]
    return OwnWords(labels, texts)
