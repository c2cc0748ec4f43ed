"""Files that were refused: named where they were dropped, and beside the runs they are not in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from app.ui import states
from app.ui.words import _n
from studio.errors import UserInputError

MAX_NAMED = 50


@dataclass(frozen=True, slots=True)
class Refused:
    """Refusals of files, oldest first: the newest by name, and how many were ``before`` them."""

    named: Sequence[UserInputError] = ()
    before: int = 0

    @property
    def total(self) -> int:
        """How many there are in all."""
        return self.before + len(self.named)

    def plus(self, *refusals: UserInputError) -> Refused:
        """These and ``refusals``, of which no more than ``MAX_NAMED`` keep their names."""
        named = [*self.named, *refusals]
        return Refused(named[-MAX_NAMED:], self.before + max(len(named) - MAX_NAMED, 0))


def leave_out(tool: str, shown_id: UUID, refused: Refused) -> None:
    """Have the page of a run or batch name, in this tab, what is not in it as it was refused."""
    st.session_state[_key(tool)] = shown_id, refused


def say_left_out(tool: str, shown_id: UUID) -> None:
    """Name what is not in the run or batch with this id, if it was sent from this tab."""
    sent_id, refused = st.session_state.get(_key(tool), (None, Refused()))
    if sent_id == shown_id:
        title = _n(
            "This file was not taken, so it is not run",
            "{n} files were not taken, so they are not run",
            refused.total,
        )
        states.refusals(refused.named, title, before=refused.before)


def _key(tool: str) -> str:
    return f"{tool}.left-out"
