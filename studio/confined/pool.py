"""Calls on foreign bytes in processes that can be ended.

Decoders, parsers and unpackers are written in C and cannot be interrupted, and what they meet was
made by anybody. So each call runs in a child of its own, within a time and a memory, and is
killed when it overruns or is no longer wanted. What a child returns comes back without a copy.

This bounds what a file may cost. It is no sandbox: children run as the same user.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TypeVar, cast

from studio.confined import parcel
from studio.confined.nursery import OUT_OF_MEMORY, REQUEST, STATUS
from studio.confined.turns import Turns
from studio.errors import BusyError, RetriableError, StudioError
from studio.words import msg

Result = TypeVar("Result")

_CHECK_S = 0.1
_START_LIMIT_S = 60
"""How long a nursery may take to start on a busy machine, before it counts as stuck."""
_STATUS_LIMIT_S = 5
_WALL_FACTOR, _WALL_SLACK_S = 6, 30
_TRIES = 2
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


class OverrunError(StudioError):
    """Confined work went beyond a bound, or crashed. Says nothing of what the work was.

    ``code`` is ``work.too_slow``, ``work.too_large`` or ``work.crashed``.
    """

    code = "work"


class ConfinedPool:
    """Runs calls in children that are forked, one a call, from a warm process without secrets.

    Safe to share between threads. Its process starts with the first call, or with ``start``, and
    starts again when it was killed; after a fork of this process the child gets one of its own.
    """

    def __init__(
        self,
        *,
        preload: Sequence[str],
        most_at_once: int,
        memory_budget_bytes: int,
        niceness: int = 0,
    ) -> None:
        """Nothing is started yet.

        Args:
            preload: modules that calls need, imported once. They must start no thread.
            most_at_once: children side by side; further calls wait, and owners take turns.
            memory_budget_bytes: memory limits of calls side by side add up to at most this, and
                a quarter of it for each small call of somebody else beside a large one.
            niceness: how far children stand back for other processes, 0 to 19.

        """
        self._preload = tuple(preload)
        self._niceness = niceness
        self._turns = Turns(most_at_once, memory_budget_bytes)
        self._lock = Lock()
        self._nursery: _NurseryProcess | None = None

    def start(self) -> None:
        """Start the process that children are forked from, so that the first call need not."""
        with self._lock:
            self._living_nursery()

    def close(self) -> None:
        """End that process and whatever runs; a later call starts it again."""
        with self._lock:
            if self._nursery is not None:
                self._nursery.close()
                self._nursery = None

    def run(
        self,
        call: Callable[[], Result],
        *,
        time_limit_s: float,
        memory_limit_bytes: int,
        wall_limit_s: float | None = None,
        owner: Hashable = None,
        patience_s: float = 60,
        check: Callable[[], object] = lambda: None,
    ) -> Result:
        """What ``call`` returns or raises, out of a child of its own.

        Args:
            call: a function that can be imported, or a ``functools.partial`` of one. Arguments
                and result are pickled; arrays among them are not copied on the way back.
            time_limit_s: most processor time that the child and its threads may take.
            wall_limit_s: longest it may last where others have the processors; by default six
                times that, and half a minute.
            memory_limit_bytes: most address space it may take beyond the idle child's.
            owner: whose turn it is; one owner's calls do not hold up another's.
            patience_s: longest wait for a turn.
            check: called about ten times a second; what it raises kills the child and is raised.

        Raises:
            OverrunError: the time or memory was not enough, or the child crashed.
            BusyError: ``work.busy``, no turn came or the machine is too busy; or
                ``work.no_process``.
            RetriableError: ``work.killed``, the machine ran short of memory.

        """
        turn = self._turns.take(owner, memory_limit_bytes, patience_s=patience_s, check=check)
        with turn:
            with _room_needed():
                call_file = parcel.pack(call)
            try:
                if wall_limit_s is None:
                    wall_limit_s = _WALL_FACTOR * time_limit_s + _WALL_SLACK_S
                request = _Request(call_file, time_limit_s, wall_limit_s, memory_limit_bytes)
                is_result, value = self._outcome(request, check)
            finally:
                os.close(call_file)
        if is_result:
            return cast(Result, value)
        raise cast(Exception, value)

    def _outcome(self, request: _Request, check: Callable[[], object]) -> tuple[bool, object]:
        for _ in range(_TRIES):
            with self._lock:
                nursery = self._living_nursery()
            try:
                return nursery.ask(request, check)
            except _NurseryLostError:
                if nursery.is_closed:
                    break
                nursery.await_end()
        raise _no_process()

    def _living_nursery(self) -> _NurseryProcess:
        nursery = self._nursery
        if nursery is None or not nursery.is_ours():
            if nursery is not None:
                nursery.close()
            with _room_needed():
                self._nursery = nursery = _NurseryProcess(self._preload, self._niceness)
        return nursery


class _NurseryLostError(Exception):
    """The nursery ended before its child did, by whatever killed it."""


@dataclass(frozen=True, slots=True)
class _Request:
    call_file: int
    time_limit_s: float
    wall_limit_s: float
    memory_limit_bytes: int


class _NurseryProcess:
    """The nursery as seen from the process that started it."""

    def __init__(self, preload: Sequence[str], niceness: int) -> None:
        self._owner_pid = os.getpid()
        self._lock = Lock()
        self.is_closed = False
        self._control, there = socket.socketpair()
        try:
            with there:
                self._process = _started(there, preload, niceness)
        except OSError:
            self._control.close()
            raise

    def is_ours(self) -> bool:
        return self._owner_pid == os.getpid() and self._process.poll() is None

    def await_end(self) -> None:
        """Give a process whose line is gone the moment until it shows as ended, too."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STATUS_LIMIT_S)

    def ask(self, request: _Request, check: Callable[[], object]) -> tuple[bool, object]:
        """Whether the call returned, and what it returned or raised."""
        with ExitStack() as ends:
            with _room_needed():
                reply, reply_there = _pair(ends)
                lifeline, lifeline_there = _pair(ends)
            limits = REQUEST.pack(
                request.time_limit_s, request.wall_limit_s, request.memory_limit_bytes
            )
            descriptors = [request.call_file, reply_there.fileno(), lifeline_there.fileno()]
            try:
                with self._lock:
                    socket.send_fds(self._control, [limits], descriptors)
            except OSError as error:
                raise _NurseryLostError from error
            reply_there.close()
            lifeline_there.close()
            outcome = _await(reply, check, request.wall_limit_s + _START_LIMIT_S)
            if outcome is None:
                raise _failure(lifeline)
            return outcome

    def close(self) -> None:
        """Its end of the line closed, it kills its children and ends."""
        self.is_closed = True
        self._control.close()
        if self._owner_pid != os.getpid():
            return
        try:
            self._process.wait(_STATUS_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _started(
    control: socket.socket, preload: Sequence[str], niceness: int
) -> subprocess.Popen[bytes]:
    number = control.fileno()
    return subprocess.Popen(  # noqa: S603 -- our own module
        [sys.executable, "-m", "studio.confined.nursery", str(number), str(niceness), *preload],
        stdin=subprocess.DEVNULL,
        pass_fds=[number],
        env=_environment(),
        # Ctrl-C at a terminal is for the process that asks. The session stays: Linux gives
        # each one as much of the processors as any other, however nice its processes are.
        process_group=0,
    )


def _environment() -> dict[str, str]:
    """No secrets, one thread for linear algebra, few arenas, and the same import path.

    Pictures are large and each child meets its memory for the first time: in pages of 2 MB,
    where the kernel has them, that costs a third less than in pages of 4 kB.
    """
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }


def _pair(ends: ExitStack) -> tuple[socket.socket, socket.socket]:
    here, there = socket.socketpair()
    ends.callback(here.close)
    ends.callback(there.close)
    return here, there


def _await(
    reply: socket.socket, check: Callable[[], object], limit_s: float
) -> tuple[bool, object] | None:
    """The outcome; None when the child ended without one."""
    ends_s = monotonic() + limit_s
    reply.settimeout(_CHECK_S)
    while True:
        try:
            answer, descriptors, _, _ = socket.recv_fds(reply, 1, 1)
            break
        except TimeoutError:
            check()
            if monotonic() > ends_s:
                raise _no_process() from None
    if not answer:
        return None
    if not descriptors:  # it answered, and there was no room for what it sent
        raise _no_process()
    try:
        with _room_needed():
            return cast(tuple[bool, object], parcel.unpack(descriptors[0]))
    finally:
        os.close(descriptors[0])


def _failure(lifeline: socket.socket) -> Exception:
    """Why a child ended without an answer."""
    lifeline.settimeout(_STATUS_LIMIT_S)
    try:
        status = lifeline.recv(STATUS.size)
    except OSError:
        status = b""
    if len(status) < STATUS.size:
        return _NurseryLostError()
    match STATUS.unpack(status)[0]:
        case code if code == -signal.SIGALRM:
            return BusyError(
                msg("The studio is too busy for this file at the moment. Try again shortly."),
                delay_s=5,
                code="work.busy",
            )
        case code if code == -signal.SIGPROF:
            return OverrunError(msg("It took too long and was stopped."), code="work.too_slow")
        case code if code == -signal.SIGKILL:
            # By the kernel, for want of memory that this call may have been the one to take.
            return RetriableError(
                msg("The machine ran short of memory over this file. Try again shortly."),
                delay_s=15,
                code="work.killed",
            )
        case code if code == OUT_OF_MEMORY:
            return OverrunError(
                msg("It needed too much memory and was stopped."), code="work.too_large"
            )
        case _:
            return OverrunError(msg("What worked on it crashed."), code="work.crashed")


@contextmanager
def _room_needed() -> Iterator[None]:
    """Where the system has no room for a process, a descriptor or what it names, say so."""
    try:
        yield
    except OSError as error:
        raise _no_process() from error


def _no_process() -> BusyError:
    return BusyError(
        msg("The studio could not start a process for a file. Try again shortly."),
        delay_s=5,
        code="work.no_process",
    )
