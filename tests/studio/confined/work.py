"""Calls for confined children; a child imports them by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from studio.errors import UserInputError
from studio.words import msg


def spin() -> NoReturn:
    """Busy without an end, in a way that no signal handler of Python's interrupts."""
    while True:
        pow(3, 10**7)


def spin_after_telling_pid(path: str) -> NoReturn:
    Path(path).write_text(str(os.getpid()))
    spin()


def refuse() -> NoReturn:
    raise UserInputError(
        msg("It is blue"), remedy=msg("Paint it red."), code="test.blue", file_name="a.png"
    )


def fail() -> NoReturn:
    raise LookupError("seven")


def doubled(samples: npt.NDArray[np.uint8]) -> dict[str, Any]:
    return {"samples": samples * 2, "text": "two"}


def allocate(count: int) -> int:
    return len(np.ones(count, dtype=np.uint8))


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def be_killed() -> None:
    """End as whoever the kernel chooses when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_file(path: str) -> str:
    while not Path(path).exists():
        time.sleep(0.01)
    return path


def unpicklable() -> object:
    return lambda: None


def environment() -> dict[str, str]:
    return dict(os.environ)


def wait(seconds: float) -> None:
    time.sleep(seconds)


def loaded_modules() -> set[str]:
    return set(sys.modules)
