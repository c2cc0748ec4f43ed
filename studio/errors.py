"""Every failure a person may see, each with a stable code and a sentence safe to show.

::

    StudioError                 code "studio"
    ├── UserInputError          the person's file or parameter; says file, reason and remedy
    ├── ModelUnavailableError   a weight is not installed, or its file is damaged
    ├── WeightError             a download, import or digest check failed
    ├── SettingsError           a setting cannot be used
    ├── StorageError            a blob is missing or damaged
    │   ├── StorageAwayError    storage cannot be reached
    │   └── DiskFullError       the disk has no room for a file
    ├── RetriableError          passes by itself; try again after ``delay_s``
    │   └── BusyError           the machine has too much to do; no fault of the job
    ├── OutOfMemoryError        the worker had no memory left for the job
    └── JobCancelledError       the owner asked to stop; not a failure

Codes are part of the public interface (they appear in REST replies, job rows and
``--json`` output) and never change meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from studio.words import Message, msg


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
    text: Message = Message("")
    is_fault: bool = False

    def to_json(self) -> dict[str, Any]:
        """As rows keep it."""
        return asdict(self) | {"text": self.text.to_json()}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Region:
        """The region that a row keeps, however old."""
        return cls(**{**json, "text": Message.from_json(json.get("text", ""))})


class Verdict(StrEnum):
    """What becomes of a job that an error has stopped."""

    FAIL = "fail"
    """It ends with the error's sentence: another try would end the same."""
    RETRY = "retry"
    """The job may have caused it: it is tried again, as long as attempts are left."""
    POSTPONE = "postpone"
    """Its surroundings are at fault: it is tried again until they are well."""
    STOP = "stop"
    """Its owner asked for it."""


class StudioError(Exception):
    """Root of all expected failures.

    ``code`` is machine-readable and stable, ``message`` is a full sentence without
    paths or secrets, ready for a user; ``str`` of the error is that in English. ``verdict`` is
    what becomes of a job that it stops, ``delay_s`` how long such a job rests before it is
    tried again.
    """

    code = "studio"
    verdict = Verdict.FAIL
    delay_s = 0.0
    regions: tuple[Region, ...] = ()
    """Parts of the main picture that the sentence speaks of; pages draw them on it."""

    def __init__(self, message: Message, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled as it is and not by calling its class, whose arguments are of many forms."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[StudioError], args: tuple[object, ...], state: dict[str, object]
) -> StudioError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UserInputError(StudioError):
    """The person's own file or parameter cannot be used.

    The message reads ``<file>: <reason>. <remedy>`` so that a refusal in a batch of
    fifty says which one, why, and what to do.
    """

    code = "input"

    def __init__(
        self,
        reason: Message,
        *,
        remedy: Message,
        code: str | None = None,
        file_name: str | None = None,
        regions: Sequence[Region] = (),
    ) -> None:
        message = (
            msg("{file}: {reason}. {remedy}", file=file_name, reason=reason, remedy=remedy)
            if file_name
            else msg("{reason}. {remedy}", reason=reason, remedy=remedy)
        )
        super().__init__(message, code=code)
        self.reason = reason
        self.remedy = remedy
        self.file_name = file_name
        self.regions = tuple(regions)

    def naming(self, file_name: str) -> UserInputError:
        """The same refusal, as one of the file of this name."""
        return UserInputError(
            self.reason,
            remedy=self.remedy,
            code=self.code,
            file_name=file_name,
            regions=self.regions,
        )


class ModelUnavailableError(StudioError):
    """A model was asked for whose weights are missing or unusable."""

    code = "model.unavailable"


class WeightError(StudioError):
    """Weights could not be fetched, imported or verified."""

    code = "weight"


class SettingsError(StudioError):
    """The environment or ``.env`` sets something to what cannot be used."""

    code = "settings"


class StorageError(StudioError):
    """A stored file is missing or damaged, or storage fails."""

    code = "storage"


class StorageAwayError(StorageError):
    """Storage cannot be reached, or refuses what it is asked."""

    code = "storage.unreachable"
    verdict = Verdict.POSTPONE
    delay_s = 5.0


class DiskFullError(StorageError):
    """The disk has no room for a file."""

    code = "storage.full"
    verdict = Verdict.POSTPONE
    delay_s = 15.0

    def __init__(self) -> None:
        super().__init__(msg("The disk is full. An admin must free some space on it."))


class RetriableError(StudioError):
    """A condition that passes by itself; the job may be tried again."""

    code = "retriable"
    verdict = Verdict.RETRY

    def __init__(self, message: Message, *, delay_s: float, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.delay_s = delay_s


class BusyError(RetriableError):
    """The machine has too much else to do at the moment, whatever the job is."""

    code = "work.busy"
    verdict = Verdict.POSTPONE


class OutOfMemoryError(StudioError):
    """The worker's machine had no memory left for the job."""

    code = "memory"
    verdict = Verdict.RETRY
    delay_s = 30.0

    def __init__(self) -> None:
        super().__init__(msg("The worker ran out of memory. Try a smaller picture or result."))


class JobCancelledError(StudioError):
    """The owner asked the job to stop, and it stopped between two steps."""

    code = "cancelled"
    verdict = Verdict.STOP

    def __init__(self) -> None:
        super().__init__(msg("Cancelled on request."))
