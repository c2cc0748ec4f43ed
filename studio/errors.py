"""Every failure a person may see, each with a stable code and a sentence safe to show.

::

    StudioError                 code "studio"
    ├── UserInputError          the person's file or parameter; says file, reason and remedy
    ├── ModelUnavailableError   a weight is not installed, or its file is damaged
    ├── WeightError             a download, import or digest check failed
    ├── StorageError            a blob is missing or storage cannot be reached
    ├── RetriableError          passes by itself; try again after ``delay_s``
    └── JobCancelledError       the owner asked to stop; not a failure

Codes are part of the public interface (they appear in REST replies, job rows and
``--json`` output) and never change meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the main picture that a refusal or a record speaks of, such as a face.

    ``left``, ``top``, ``width``, ``height`` are parts of the picture's sides, 0 to 1, and may
    reach beyond them. ``label`` is what the sentence calls it, as in "2"; ``text`` what there
    is to say of it, empty when nothing; ``is_fault`` whether it is why the run was refused.
    """

    left: float
    top: float
    width: float
    height: float
    label: str = ""
    text: str = ""
    is_fault: bool = False


class StudioError(Exception):
    """Root of all expected failures.

    ``code`` is machine-readable and stable, ``message`` is a full sentence without
    paths or secrets, ready for a user.
    """

    code = "studio"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class UserInputError(StudioError):
    """The person's own file or parameter cannot be used.

    The message reads ``<file>: <reason>. <remedy>`` so that a refusal in a batch of
    fifty says which one, why, and what to do. ``regions`` are what pages draw on the picture.
    """

    code = "input"

    def __init__(
        self,
        reason: str,
        *,
        remedy: str,
        code: str | None = None,
        file_name: str | None = None,
        regions: Sequence[Region] = (),
    ) -> None:
        prefix = f"{file_name}: " if file_name else ""
        super().__init__(f"{prefix}{reason}. {remedy}", code=code)
        self.reason = reason
        self.remedy = remedy
        self.file_name = file_name
        self.regions = tuple(regions)


class ModelUnavailableError(StudioError):
    """A model was asked for whose weights are missing or unusable."""

    code = "model.unavailable"


class WeightError(StudioError):
    """Weights could not be fetched, imported or verified."""

    code = "weight"


class StorageError(StudioError):
    """A stored file is missing, or storage cannot be reached."""

    code = "storage"


class RetriableError(StudioError):
    """A condition that passes by itself; the job may be tried again."""

    code = "retriable"

    def __init__(self, message: str, *, delay_s: float, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.delay_s = delay_s


class JobCancelledError(StudioError):
    """The owner asked the job to stop, and it stopped between two steps."""

    code = "cancelled"

    def __init__(self, message: str = "Cancelled on request.") -> None:
        super().__init__(message)
