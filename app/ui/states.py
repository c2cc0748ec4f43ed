"""What a page shows when there is nothing to show, or something is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from db.states import JobState
from studio.errors import UserInputError

STATE_LABELS: dict[JobState, str] = {
    JobState.QUEUED: "Waiting",
    JobState.RUNNING: "Running",
    JobState.SUCCEEDED: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}
STATE_ICONS: dict[JobState, str] = {
    JobState.QUEUED: "hourglass_empty",
    JobState.RUNNING: "progress_activity",
    JobState.SUCCEEDED: "image",
    JobState.FAILED: "error",
    JobState.CANCELLED: "cancel",
}


def empty(title: str, text: str, *, icon: str = "photo_library") -> None:
    """A calm, centred note in place of a list that has no rows."""
    st.html(
        f'<div class="dr-empty"><span class="dr-icon">{escape(icon)}</span>'
        f"<strong>{escape(title)}</strong><p>{escape(text)}</p></div>"
    )


def state_pill(state: JobState) -> str:
    """Markup of a small coloured label for ``state``."""
    return f'<span class="dr-pill dr-{state}">{STATE_LABELS[state]}</span>'


def refusals(errors: Sequence[UserInputError], outcome: str = "not taken") -> None:
    """List the files that were ``outcome``, each with its reason and remedy."""
    if not errors:
        return
    rows = "".join(
        f"<li><strong>{escape(error.file_name or 'File')}</strong>"
        f"<span>{sentence(f'{error.reason}. {error.remedy}')}</span></li>"
        for error in errors
    )
    files = "This file is" if len(errors) == 1 else f"{len(errors)} files are"
    st.html(f'<div class="dr-refusals" role="alert"><b>{files} {outcome}</b><ul>{rows}</ul></div>')


def sentence(text: str) -> str:
    """Markup of a sentence in which a command stands between backticks."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def failure(code: str | None, message: str | None) -> None:
    """Say why a run failed, in the sentence its record holds."""
    st.html(
        f'<div class="dr-failure" role="alert"><b>This run failed</b>'
        f"<p>{sentence(message or 'No reason was recorded.')}</p>"
        f'<small class="dr-muted">{escape(code or "unknown")}</small></div>'
    )
