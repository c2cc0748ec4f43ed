"""Wake-up tokens as files: kombu's filesystem transport, with messages that appear whole.

The shipped transport opens a message under its final name and then writes it, so a
consumer may take it while it is empty: the message is lost and the worker dies of it.
Here a message is written under a hidden name in the same folder and then renamed, and a
file that holds no message is dropped with a warning instead of ending the worker.

Only named queues are supported, which is all that tokens need: no fanout, hence no
control files that several workers would rewrite at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

NAME = "safefs"
"""Scheme of the transport's broker address."""

logger = logging.getLogger(__name__)


class Channel(virtual.Channel):
    """Queues as files called ``<nanoseconds>_<random>.<queue>.msg`` in one folder."""

    supports_fanout = False
    do_restore = False  # a token that a dying worker holds may be lost
    _told: int | None = None
    """Number of the fault that was logged last, while it lasts."""

    @property
    def _folder(self) -> Path:
        return Path(self.connection.client.transport_options["folder"])

    def _put(self, queue: str, message: Mapping[str, Any], **_options: object) -> None:
        unique = uuid4().hex
        with _hidden_file(self._folder, unique, dumps(message)) as hidden:
            hidden.rename(self._folder / f"{time.time_ns():020d}_{unique}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        for path in self._waiting(queue):
            try:
                payload = path.read_bytes()
                path.unlink()  # the one consumer whose unlink succeeds has the message
            except FileNotFoundError:
                continue
            except OSError as error:
                self._tell(error)
                continue
            self._told = None
            message = _parse(payload)
            if message is not None:
                return message
            logger.warning("dropped %s: it holds no message", path.name)
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        paths = self._waiting(queue)
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def _tell(self, error: OSError) -> None:
        """Log a fault, which comes with every look, once until a message is read again."""
        if self._told != error.errno:
            self._told = error.errno
            logger.warning("tokens cannot be read: %s", error)

    def _waiting(self, queue: str) -> list[Path]:
        """Messages of ``queue``, oldest first.

        No such where the folder is out of reach: an error would end the worker, with its jobs.
        """
        try:
            paths = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            self._tell(error)
            return []
        return [path for path in paths if path.name.partition(".")[2] == f"{queue}.msg"]


@contextmanager
def _hidden_file(folder: Path, unique: str, text: str) -> Iterator[Path]:
    """A file in ``folder``, made where it is missing, that no consumer sees; gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    hidden = folder / f".{unique}.tmp"
    try:
        hidden.write_text(text, encoding="utf-8")
        yield hidden
    finally:
        hidden.unlink(missing_ok=True)


def probe(folder: Path) -> None:
    """Write to ``folder`` as a token is written, and take it back.

    Raises:
        OSError: no token could be sent.

    """
    with _hidden_file(folder, uuid4().hex, "probe"):
        pass


def remove_stale(folder: Path, older_than_s: float) -> int:
    """Remove messages that nobody took and what killed writers left; returns how many files."""
    removed = 0
    for path in [*folder.glob("*.msg"), *folder.glob(".*.tmp")]:
        with suppress(FileNotFoundError):  # somebody took it meanwhile
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()
                removed += 1
    return removed


def _parse(payload: bytes) -> dict[str, Any] | None:
    try:
        message = loads(payload)
    except ValueError:
        return None
    is_message = isinstance(message, dict) and {"body", "properties"} <= message.keys()
    return message if is_message else None


class Transport(virtual.Transport):
    """Selected by a broker address of ``safefs://``; the option ``folder`` says where."""

    Channel = Channel
    driver_type = NAME
    driver_name = NAME

    def driver_version(self) -> str:
        """Nothing outside the standard library drives it."""
        return "N/A"


def register() -> None:
    """Make kombu know the scheme."""
    TRANSPORT_ALIASES[NAME] = f"{__name__}:{Transport.__name__}"
