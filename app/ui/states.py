"""What a page shows when there is nothing to show, or something is in the way."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from uuid import UUID

import streamlit as st

from app.ui.words import _, _n, said
from db.states import JobState
from db.types import Role
from studio.errors import UserInputError
from studio.words import N_, Message, msg

STATE_LABELS: dict[JobState, str] = {
    JobState.WAITING: N_("Waiting"),
    JobState.QUEUED: N_("In the queue"),
    JobState.RUNNING: N_("Running"),
    JobState.SUCCEEDED: N_("Done"),
    JobState.FAILED: N_("Failed"),
    JobState.CANCELLED: N_("Cancelled"),
}
STATE_ICONS: dict[JobState, str] = {
    JobState.WAITING: "pause_circle",
    JobState.QUEUED: "hourglass_empty",
    JobState.RUNNING: "progress_activity",
    JobState.SUCCEEDED: "image",
    JobState.FAILED: "error",
    JobState.CANCELLED: "cancel",
}

ROLE_NAMES = {Role.ADMIN: N_("Admin"), Role.MEMBER: N_("Member"), Role.VIEWER: N_("Viewer")}


def role_name(role: Role) -> str:
    """What an account may do, in a word."""
    return said(ROLE_NAMES[role])


def empty(title: str, text: str, *, icon: str = "photo_library") -> None:
    """A calm, centred note in place of a list that has no rows."""
    st.html(
        f'<div class="dr-empty"><span class="dr-icon">{escape(icon)}</span>'
        f"<strong>{escape(title)}</strong><p>{escape(text)}</p></div>"
    )


def state_pill(state: JobState) -> str:
    """Markup of a small coloured label for ``state``."""
    return f'<span class="dr-pill dr-{state}">{escape(said(STATE_LABELS[state]))}</span>'


def refusals(errors: Sequence[UserInputError], title: str, *, before: int = 0) -> None:
    """List refused files under ``title``, each with its reason and remedy.

    ``before`` is how many others there were before them.
    """
    if not errors:
        return
    unnamed = _("File")
    rows = "".join(
        f"<li><strong>{escape(error.file_name or unnamed)}</strong>"
        f"<span>{sentence(_without_name(error))}</span></li>"
        for error in errors
    )
    if before:
        more = _n("and {n} more before it", "and {n} more before them", before)
        rows += f"<li>{escape(more)}</li>"
    st.html(f'<div class="dr-refusals" role="alert"><b>{escape(title)}</b><ul>{rows}</ul></div>')


def _without_name(error: UserInputError) -> Message:
    return msg("{reason}. {remedy}", reason=error.reason, remedy=error.remedy)


def sentence(words: Message) -> str:
    """Markup of a sentence in which a command stands between backticks."""
    parts = escape(said(words)).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def failure(run_id: UUID, code: str | None, message: Message | None) -> None:
    """Say why a run failed, in the sentence its record holds, and the number to quote.

    The number ends the run's id, which the worker's log names in full.
    """
    reason = sentence(message or msg("No reason was recorded."))
    number = _("run {number}", number=run_id.hex[-8:])
    title, unknown = _("This run failed"), _("unknown")
    st.html(
        f'<div class="dr-failure" role="alert"><b>{escape(title)}</b><p>{reason}</p>'
        f'<small class="dr-muted">{escape(code or unknown)} · {escape(number)}</small></div>'
    )
