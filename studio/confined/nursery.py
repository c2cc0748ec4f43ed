"""The process that forks one child for each call of a ``ConfinedPool``.

It has a single thread and imports what calls need once, so a fork is safe and takes milliseconds.
With each request come three descriptors: the parcel of the call, a socket for the reply, and a
lifeline. When the pool closes its end of the lifeline the child is killed; when the child has
ended, its exit status goes into the lifeline. When the pool is gone, so is everything here.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from struct import Struct
from typing import cast

import psutil

from studio.confined import parcel
from studio.errors import StudioError

REQUEST = Struct("!ddQ")
"""Limits of a call: seconds of processor time, seconds by the clock, and bytes beyond what the
nursery itself takes."""
STATUS = Struct("!i")
"""Exit code of a child, or the number of the signal that ended it, negative."""
OUT_OF_MEMORY = 77
"""Exit code of a child that met its limit of memory."""
DESCRIPTORS = 3


class Nursery:
    """Serves one pool until that closes its end of ``control``."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = DefaultSelector()
        self._lifelines: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Fork, kill and reap as asked."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._selector.register(self._control, EVENT_READ, self._fork)
        self._selector.register(wake_read, EVENT_READ, lambda: self._reap(wake_read))
        is_wanted = True
        while is_wanted:
            for key, _ in self._selector.select():
                is_wanted = key.data() is not False and is_wanted
        for pid in self._lifelines:
            os.kill(pid, signal.SIGKILL)

    def _fork(self) -> bool:
        """Start the child of one request; False when no more will come."""
        try:
            request, descriptors, _, _ = socket.recv_fds(self._control, REQUEST.size, DESCRIPTORS)
        except ConnectionError:
            return False
        if len(request) < REQUEST.size:
            return False
        try:
            call, reply, lifeline = descriptors
            pid = os.fork()
        except (ValueError, OSError):  # no room for them, or a process: the pool sees them close
            for descriptor in descriptors:
                os.close(descriptor)
            return True
        if pid == 0:
            os.close(lifeline)
            self._let_go()
            _live(call, reply, *REQUEST.unpack(request))
        os.close(call)
        os.close(reply)
        self._lifelines[pid] = line = socket.socket(fileno=lifeline)
        self._selector.register(line, EVENT_READ, lambda: self._kill(pid))
        return True

    def _let_go(self) -> None:
        """In a child: keep no socket open that others watch for its end."""
        for line in (self._control, *self._lifelines.values()):
            line.close()

    def _kill(self, pid: int) -> None:
        """The pool no longer waits. A child that is not reaped yet cannot be another's pid."""
        if pid in self._lifelines:
            self._selector.unregister(self._lifelines[pid])
            os.kill(pid, signal.SIGKILL)

    def _reap(self, wake_read: int) -> None:
        os.read(wake_read, 4096)
        while self._lifelines:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            line = self._lifelines.pop(pid)
            with contextlib.suppress(KeyError):  # unregistered when the pool gave up
                self._selector.unregister(line)
            with line, contextlib.suppress(OSError):  # nobody may be listening any more
                line.send(STATUS.pack(os.waitstatus_to_exitcode(status)))


def _live(
    call: int, reply: int, time_limit_s: float, wall_limit_s: float, memory_limit_bytes: int
) -> None:
    """A child's whole life: it ends here, whatever happens."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, time_limit_s)  # either alarm ends the process
        signal.setitimer(signal.ITIMER_REAL, wall_limit_s)
        _volunteer_when_memory_is_short()
        code = _answer(call, reply, memory_limit_bytes)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _answer(call: int, reply: int, memory_limit_bytes: int) -> int:
    with memory_limited(memory_limit_bytes):
        outcome = _outcome(call)
    with socket.socket(fileno=reply) as line:
        socket.send_fds(line, [b"!"], [_packed(outcome)])
    return 0


def _outcome(call: int) -> tuple[bool, object]:
    """Whether the call returned, and what it returned or raised."""
    try:
        return True, cast(Callable[[], object], parcel.unpack(call))()
    except MemoryError:
        raise
    except StudioError as error:
        return False, error
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        return False, error


def _packed(outcome: tuple[bool, object]) -> int:
    try:
        return parcel.pack(outcome)
    except Exception as error:  # an odd object's pickling may raise anything
        text = f"{outcome[1]!r:.500} cannot be handed over: {error!r:.500}"
        return parcel.pack((False, RuntimeError(text)))


@contextlib.contextmanager
def memory_limited(limit_bytes: int) -> Iterator[None]:
    """Let this process take ``limit_bytes`` of address space beyond what it has.

    Where the system does not take this limit, as macOS, or has a lower one, nothing changes.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    address_space_bytes = int(psutil.Process().memory_info().vms)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes + limit_bytes, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, before)


def _volunteer_when_memory_is_short() -> None:
    """Be the kernel's first choice, before the process that people are talking to."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main() -> None:
    """``python -m studio.confined.nursery CONTROL NICENESS MODULE...``."""
    control, niceness, *modules = sys.argv[1:]
    os.nice(int(niceness))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in modules:
        import_module(name)
    gc.collect()
    gc.freeze()  # children share these pages as long as no collection touches them
    Nursery(socket.socket(fileno=int(control))).serve()


if __name__ == "__main__":
    main()
