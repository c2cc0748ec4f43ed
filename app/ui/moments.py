"""Moments as a page tells them: how long ago, and exactly, where the reader is."""

from __future__ import annotations

from datetime import datetime
from html import escape

from app.formatting import ago, exact
from app.ui.words import said


def exactly(moment: datetime) -> str:
    """Date and time to the second where the browser is, and in which zone that is."""
    return said(exact(moment))


def when(moment: datetime) -> str:
    """Markup that says how long ago it was, and exactly when to who points at it."""
    return (
        f'<time datetime="{moment.isoformat()}" title="{escape(exactly(moment))}">'
        f"{escape(said(ago(moment)))}</time>"
    )
