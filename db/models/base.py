"""What all tables have in common: named constraints, and how a Python type is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import DeclarativeBase

from db.states import JobState
from db.types import Lane, Origin, Role, UtcDateTime, Visibility, Words, enum_column

ONLY_ON = "only_on"
"""Key in an index's ``info``: the one kind of database that has it."""


class Base(DeclarativeBase):
    """Declarative base with named constraints, so that migrations can alter them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 — SQLAlchemy reads it as a class attribute
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: Words(),
        list[dict[str, Any]]: JSON(),
        Role: enum_column(Role),
        Visibility: enum_column(Visibility),
        Lane: enum_column(Lane),
        Origin: enum_column(Origin),
        JobState: enum_column(JobState),
    }
