"""What a model may be used for, where a person cannot miss it."""

from __future__ import annotations

from html import escape

from app.ui.words import said
from studio.models.catalogue import Commercial, Licence
from studio.words import N_

COMMERCIAL_WORDS: dict[Commercial, str] = {
    "yes": N_("Commercial use allowed"),
    "ask": N_("Ask before commercial use"),
    "no": N_("No commercial use"),
}
_TONES: dict[Commercial, str] = {"yes": "succeeded", "ask": "cancelled", "no": "failed"}


def commercial_pill(licence: Licence) -> str:
    """Markup of a coloured label that says whether commercial use is allowed."""
    tone = _TONES[licence.commercial]
    words = said(COMMERCIAL_WORDS[licence.commercial])
    return f'<span class="dr-pill dr-{tone}">{escape(words)}</span>'


def licence_terms(licence: Licence) -> str:
    """Markup of the licence in plain words, and where its text is."""
    words = escape(said(licence.meaning))
    if licence.url is None:
        return f"<b>{escape(licence.name)}.</b> {words}"
    # An address to copy, not a link to follow: the studio's pages send nobody elsewhere.
    return f"<b>{escape(licence.name)}.</b> {words} <code>{escape(licence.url)}</code>"


def licence_notice(licence: Licence) -> str:
    """Markup for beside a model that was chosen: a label, and a box when a use is forbidden."""
    if licence.commercial == "no":
        return (
            f'<div class="dr-licence dr-forbidden" role="note">{commercial_pill(licence)}'
            f"<p>{licence_terms(licence)}</p></div>"
        )
    return (
        f'<details class="dr-licence"><summary>{commercial_pill(licence)} '
        f'<span class="dr-muted dr-small">{escape(licence.name)}</span></summary>'
        f"<p>{licence_terms(licence)}</p></details>"
    )
