"""Column types and enumerations shared by all tables."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, Enum, String, Text, cast, func
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType
from uuid_utils.compat import uuid7

from db.errors import TextError
from studio.words import Message, verbatim

RESULT_ROLE = "image"
"""Role of the output that stands for its run in lists: the imaging core's name for a result."""


class Role(StrEnum):
    """What an account may do: viewers look, members run, admins manage."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """How much the role may do: more than every role of a lower rank."""
        return (Role.VIEWER, Role.MEMBER, Role.ADMIN).index(self)


class Scope(StrEnum):
    """What an API token may do at most; each includes those before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"


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


class JsonText(UserDefinedType[str]):
    """JSON as its text: whoever knows what it holds reads and writes it, and nobody else."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """As a column of JSON is declared, so that statements can look into it."""
        return "JSON"

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """Read the text, which PostgreSQL's driver would parse; older rows say null for nothing."""
        return func.nullif(cast(column, Text), "null")


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What no database of ours keeps in text: NUL, and halves of characters."""


class _Compared(TypeDecorator[str]):
    """What a column of text is compared with: whatever cannot be stored is equal to nothing."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Put a character in its place that nobody's text holds."""
        return None if value is None else storable(value)


class BoundedText(TypeDecorator[str]):
    """Text of at most ``length`` characters, on databases that would store more too.

    The last line of defence: doors bound what comes in before, with sentences of their own.
    """

    impl = String
    cache_ok = True
    most_chars: int | None = None
    """In place of the column's own length."""

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Refuse what a database would refuse, with an error that has a code."""
        most = self.most_chars or self.impl_instance.length  # type: ignore[attr-defined]
        if value is not None and (len(value) > most or _UNSTORABLE.search(value)):
            raise TextError(most)
        return value

    def coerce_compared_value(self, op: OperatorType | None, value: object) -> TypeEngine[str]:
        """Searches are no writes."""
        return _Compared()


class Prose(BoundedText):
    """As ``BoundedText``, for what may have several paragraphs; columns of it name no length."""

    impl = Text
    cache_ok = True
    most_chars = 10_000


class Words(TypeDecorator[list[str]]):
    """A few short texts as JSON, such as tags; bounded like ``BoundedText``."""

    impl = JSON
    cache_ok = True
    most = 30
    most_chars = 64

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> list[str] | None:
        """Refuse too many of them, and what a column of text would refuse."""
        if value is None:
            return None
        is_too_long = any(len(word) > self.most_chars or _UNSTORABLE.search(word) for word in value)
        if is_too_long or len(value) > self.most:
            raise TextError(self.most_chars)
        return value


class Sentence(TypeDecorator[Message]):
    """What is said to people, as JSON; what is longer than ``Prose`` is kept as it reads, cut."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Message | None, dialect: Dialect) -> str | None:
        """As JSON, without what a database does not keep: values may quote anything."""
        if value is None:
            return None
        text = _dumped(value)
        return text if len(text) <= Prose.most_chars else _dumped_cut(str(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Message | None:
        """The message again."""
        return None if value is None else Message.from_json(json.loads(value))


def storable(text: str, most_chars: int | None = None) -> str:
    """``text`` for a log of what was attempted: cut, and without what cannot be stored."""
    return _UNSTORABLE.sub("\ufffd", text)[:most_chars]


def _dumped(message: Message) -> str:
    return json.dumps(_storable_json(message.to_json()), ensure_ascii=False)


def _storable_json(value: Any) -> Any:  # noqa: ANN401 — whatever JSON holds
    """``value`` with each of its texts storable: in the JSON itself they may be escaped."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _storable_json(one) for name, one in value.items()}
    return [_storable_json(one) for one in value] if isinstance(value, list) else value


def _dumped_cut(said: str) -> str:
    """As much of ``said`` as ``Prose`` takes in JSON, where a character may take up to six."""
    said = said[: Prose.most_chars]
    while len(text := _dumped(verbatim(said))) > Prose.most_chars:
        said = said[: len(said) * Prose.most_chars // len(text)]
    return text


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


def first_id_at(moment: datetime) -> UUID:
    """What no id sorts before that was made at ``moment`` or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
