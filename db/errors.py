"""What the record refuses, each with a stable code and a sentence safe to show.

::

    RecordError
    ├── NameTakenError       two accounts cannot share a name
    ├── LastAdminError       somebody must be able to manage the studio
    ├── InvalidCursorError   a page address that this studio did not make
    ├── TextError            a text is too long for its place, or cannot be stored
    ├── NeedError            a run cannot wait for what it names
    ├── DatabaseAwayError    the database cannot be reached, or is busy for too long
    │   └── DatabaseFullError    it has no room
    └── MigrationError       a migration broke what it should have kept
"""

from __future__ import annotations

from sqlalchemy.exc import DontWrapMixin

from studio.words import Message, msg, msgs


class RecordError(Exception):
    """Root of the record's expected refusals. ``message`` is a full sentence for people.

    ``str`` of the error is that in English.
    """

    code = "record"

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class NameTakenError(RecordError):
    """An account with this name exists."""

    code = "account.name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            msg("There is already an account called “{name}”. Choose another name.", name=name)
        )


class LastAdminError(RecordError):
    """The last enabled admin can be neither disabled nor given another role."""

    code = "account.last_admin"

    def __init__(self) -> None:
        super().__init__(msg("This is the last admin. Make somebody else an admin first."))


class InvalidCursorError(RecordError):
    """A page cursor cannot be read."""

    code = "history.cursor"

    def __init__(self) -> None:
        super().__init__(msg("This page address is damaged. Open the history from its start."))


class NeedError(RecordError):
    """A run cannot wait for another: not its owner's, ended badly, or a circle of needs."""

    def __init__(self, code: str, reason: Message, remedy: Message) -> None:
        super().__init__(msg("{reason}. {remedy}", reason=reason, remedy=remedy))
        self.code = code
        self.reason = reason
        self.remedy = remedy


class TextError(RecordError, DontWrapMixin):
    """A text is too long for its place, or holds what no database keeps."""

    code = "text.invalid"

    def __init__(self, most_chars: int) -> None:
        super().__init__(
            msgs(
                "A text is longer than {n} character, or holds characters that cannot be "
                "stored. Write it anew.",
                "A text is longer than {n} characters, or holds characters that cannot be "
                "stored. Write it anew.",
                most_chars,
            )
        )


class MigrationError(RecordError):
    """A migration left rows that point nowhere; it was rolled back."""

    code = "migration"


_AWAY = msg("The database cannot be reached. Try again in a minute.")


class DatabaseAwayError(RecordError):
    """The database cannot be reached, or others keep it busy; that passes."""

    code = "database.away"

    def __init__(self, message: Message = _AWAY) -> None:
        super().__init__(message)


class DatabaseFullError(DatabaseAwayError):
    """The disk of the database has no room; that passes once somebody makes some."""

    code = "database.full"

    def __init__(self) -> None:
        super().__init__(
            msg("The disk of the database is full. An admin must free some space on it.")
        )
