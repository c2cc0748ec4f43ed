"""Column types and enumerations shared by all tables."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime, Dialect, Enum
from sqlalchemy.types import TypeDecorator
from uuid_utils.compat import uuid7


class Role(StrEnum):
    """What an account may do: viewers look, members run, admins manage."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Visibility(StrEnum):
    """Who sees a run: the whole team, or its owner and admins."""

    TEAM = "team"
    PRIVATE = "private"


class Lane(StrEnum):
    """Celery queue that a job's wake-up tokens travel on.

    ``gpu`` runs networks on the best device a machine has, which may be its CPU;
    ``cpu`` runs work that needs no network.
    """

    GPU = "gpu"
    CPU = "cpu"
    MAINTENANCE = "maintenance"


class Origin(StrEnum):
    """Why a job has a parent."""

    RERUN = "rerun"
    EDIT = "edit"
    MADE_FROM = "made_from"


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware UTC timestamps, on databases that keep no zone too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values: they would be read back as another instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Attach UTC where the database returned a naive value."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(kind: type[StrEnum]) -> Enum:
    """A column type that stores the value, not the name, with a check constraint."""

    def values(members: type[StrEnum]) -> list[str]:
        return [member.value for member in members]

    return Enum(
        kind,
        native_enum=False,
        length=16,
        values_callable=values,
        create_constraint=True,
        name=kind.__name__.lower(),
    )


def utc_now() -> datetime:
    """The current instant, aware."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7: unique, and sorts by time of creation."""
    return uuid7()
