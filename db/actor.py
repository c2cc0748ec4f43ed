"""On whose behalf a query runs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from db.types import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in person, as every user-facing read and write needs them."""

    id: UUID
    name: str
    role: Role

    @property
    def is_admin(self) -> bool:
        """May manage people, models and every run."""
        return self.role is Role.ADMIN

    @property
    def may_run(self) -> bool:
        """May submit jobs; viewers may not."""
        return self.role is not Role.VIEWER
