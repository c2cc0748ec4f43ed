"""Calls for confined children; a child imports them by name."""

from __future__ import annotations

import os
import signal
import stat
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


def memory_preference() -> str:
    """How readily the kernel ends this process when memory is short, up to 1000."""
    return Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip()


def sockets() -> int:
    """How many this process has open."""
    return sum(is_socket(descriptor) for descriptor in range(256))


def is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def tell_pid_and_count_sockets(path: str, may_end: str) -> int:
    """How many are open once ``may_end`` is there."""
    Path(path).write_text(str(os.getpid()))
    wait_for_file(may_end)
    return sockets()


def reads_nothing() -> bool:
    return os.fstat(0).st_rdev == Path(os.devnull).stat().st_rdev


def stop_the_nursery_and_crash() -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    crash()


def signals_are_its_own() -> bool:
    """Whether nothing is left of how the nursery hears of its children."""
    return signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL and signal.set_wakeup_fd(-1) == -1
