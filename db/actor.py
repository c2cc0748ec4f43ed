"""On whose behalf a query runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from db.types import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person, as every user-facing read and write needs them."""

    id: UUID
    name: str
    role: Role
    locale: str | None = None
    """The language that they chose, as ``zh_Hans_CN``; none: as their browser says."""
    session_id: UUID | None = field(default=None, compare=False)
    token_id: UUID | None = field(default=None, compare=False)
    """What they came in with; neither at the command line, whose operator needs no key."""

    def limited_to(self, role: Role) -> Actor:
        """The same person with no more than ``role``."""
        return replace(self, role=min(self.role, role, key=lambda one: one.rank))

    @property
    def is_admin(self) -> bool:
        """May manage people, models and every run."""
        return self.role is Role.ADMIN

    @property
    def may_run(self) -> bool:
        """May submit jobs; viewers may not."""
        return self.role is not Role.VIEWER
