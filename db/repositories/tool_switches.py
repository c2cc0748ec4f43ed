"""Which tools an admin has switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import ToolSwitch, User
from db.types import utc_now


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """How a tool was switched last, by whom and when."""

    tool: str
    is_on: bool
    changed_by: str
    changed_at: datetime


class ToolSwitchRepository:
    """Switches of tools; one that nobody has touched is on. Flushes, never commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def switched_off(self) -> frozenset[str]:
        """The tools that are off."""
        off = select(ToolSwitch.tool).where(ToolSwitch.is_on.is_(False))
        return frozenset(self._session.scalars(off))

    def rows(self) -> Sequence[SwitchRow]:
        """Every switch that was ever touched."""
        found = self._session.execute(
            select(ToolSwitch.tool, ToolSwitch.is_on, User.name, ToolSwitch.changed_at)
            .join(User, User.id == ToolSwitch.changed_by)
            .order_by(ToolSwitch.tool)
        )
        return [SwitchRow(*row) for row in found]

    def switch(self, tool: str, *, is_on: bool, changed_by: UUID) -> bool:
        """Switch a tool on or off. Returns whether that changed anything."""
        known = self._session.get(ToolSwitch, tool)
        if (known.is_on if known else True) is is_on:
            return False
        if known is None:
            self._session.add(ToolSwitch(tool=tool, is_on=is_on, changed_by=changed_by))
        else:
            known.is_on, known.changed_by, known.changed_at = is_on, changed_by, utc_now()
        self._session.flush()
        return True
