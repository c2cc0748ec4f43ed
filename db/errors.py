"""What the record refuses, each with a stable code and a sentence safe to show.

::

    RecordError
    ├── NameTakenError       two accounts cannot share a name
    ├── LastAdminError       somebody must be able to manage the studio
    ├── InvalidCursorError   a page address that this studio did not make
    └── MigrationError       a migration broke what it should have kept
"""

from __future__ import annotations


class RecordError(Exception):
    """Root of the record's expected refusals. ``message`` is a full sentence for people."""

    code = "record"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NameTakenError(RecordError):
    """An account with this name exists."""

    code = "account.name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already an account called “{name}”. Choose another name.")


class LastAdminError(RecordError):
    """The last enabled admin can be neither disabled nor given another role."""

    code = "account.last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last admin. Make somebody else an admin first.")


class InvalidCursorError(RecordError):
    """A page cursor cannot be read."""

    code = "history.cursor"

    def __init__(self) -> None:
        super().__init__("This page address is damaged. Open the history from its start.")


class MigrationError(RecordError):
    """A migration left rows that point nowhere; it was rolled back."""

    code = "migration"
