from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread

import numpy as np
import psutil
import pytest

from studio.confined.pool import ConfinedPool, OverrunError
from studio.errors import BusyError, RetriableError, UserInputError, Verdict
from tests.studio.confined import work
from tests.studio.confined.pools import (
    LONG_S,
    MUCH_BYTES,
    nursery_of,
    pool_of,
    run,
    wait_for,
    wait_until_gone,
)


@pytest.fixture(scope="module")
def pool() -> Iterator[ConfinedPool]:
    made = pool_of(2)
    yield made
    made.close()


class _StopAskedError(Exception):
    pass


def test_pool_with_arrays_hands_them_there_and_back(pool: ConfinedPool) -> None:
    samples = np.arange(100_000, dtype=np.uint8)
    made = run(pool, partial(work.doubled, samples))
    assert np.array_equal(made["samples"], samples * 2)
    assert made["text"] == "two"


def test_pool_with_a_refusal_raises_it_whole(pool: ConfinedPool) -> None:
    with pytest.raises(UserInputError) as caught:
        run(pool, work.refuse)
    error = caught.value
    assert (error.code, str(error.reason), str(error.remedy)) == (
        "test.blue",
        "It is blue",
        "Paint it red.",
    )
    assert str(error.message) == str(error) == "a.png: It is blue. Paint it red."


def test_pool_with_an_unexpected_error_raises_it_with_the_childs_traceback(
    pool: ConfinedPool,
) -> None:
    with pytest.raises(LookupError, match="seven") as caught:
        run(pool, work.fail)
    assert "work.py" in caught.value.__notes__[0]


def test_pool_with_a_result_that_cannot_be_pickled_says_so(pool: ConfinedPool) -> None:
    with pytest.raises(RuntimeError, match="cannot be handed over"):
        run(pool, work.unpicklable)


def test_pool_past_the_time_limit_ends_the_work(pool: ConfinedPool) -> None:
    with pytest.raises(OverrunError) as caught:
        run(pool, work.spin, time_limit_s=0.3)
    assert caught.value.code == "work.too_slow"


def test_pool_without_the_processors_for_it_asks_to_come_again(pool: ConfinedPool) -> None:
    """A child that only waits takes no processor time, as one that others leave none."""
    with pytest.raises(RetriableError) as caught:
        pool.run(
            partial(work.wait, 60),
            time_limit_s=LONG_S,
            wall_limit_s=0.1,
            memory_limit_bytes=MUCH_BYTES,
        )
    assert caught.value.code == "work.busy"


def test_pool_past_the_memory_limit_ends_the_work(pool: ConfinedPool) -> None:
    assert run(pool, partial(work.allocate, MUCH_BYTES // 2)) == MUCH_BYTES // 2
    with pytest.raises(OverrunError) as caught:
        run(pool, partial(work.allocate, 2 * MUCH_BYTES))
    assert caught.value.code == "work.too_large"


def test_pool_whose_child_crashes_says_so_and_goes_on(pool: ConfinedPool) -> None:
    with pytest.raises(OverrunError) as caught:
        run(pool, work.crash)
    assert caught.value.code == "work.crashed"
    assert run(pool, partial(work.allocate, 3)) == 3


def test_pool_whose_child_is_killed_asks_to_come_again(pool: ConfinedPool) -> None:
    with pytest.raises(RetriableError) as caught:
        run(pool, work.be_killed)
    assert (caught.value.code, caught.value.verdict) == ("work.killed", Verdict.RETRY)
    assert run(pool, partial(work.allocate, 3)) == 3


@pytest.mark.parametrize("is_started", [True, False])
def test_pool_without_a_descriptor_left_asks_to_come_again(is_started: bool) -> None:
    with closing(pool_of()) as pool:
        if is_started:
            run(pool, partial(work.allocate, 1))
        with no_descriptor_left(), pytest.raises(BusyError) as caught:
            run(pool, partial(work.allocate, 2))
        assert caught.value.code == "work.no_process"
        assert run(pool, partial(work.allocate, 3)) == 3


def test_pool_without_a_process_to_be_had_asks_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_to_be_had(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with closing(pool_of()) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", none_to_be_had)
            with pytest.raises(BusyError) as caught:
                run(pool, partial(work.allocate, 1))
        assert caught.value.code == "work.no_process"
        assert run(pool, partial(work.allocate, 2)) == 2


def test_pool_without_a_descriptor_for_the_answer_asks_to_come_again(
    pool: ConfinedPool, tmp_path: Path
) -> None:
    started, may_end = tmp_path / "pid", tmp_path / "go"
    call = partial(work.tell_pid_and_count_sockets, str(started), str(may_end))
    with ExitStack() as taken:

        def check() -> None:
            if started.exists() and not may_end.exists():
                may_end.touch()
                taken.enter_context(no_descriptor_left())

        with pytest.raises(BusyError) as caught:
            run(pool, call, check=check)
        assert may_end.exists(), "or there was no descriptor for the question"
    assert caught.value.code == "work.no_process"
    assert run(pool, partial(work.allocate, 3)) == 3


def test_pool_whose_check_raises_kills_the_child(pool: ConfinedPool, tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def check() -> None:
        if note.exists() and note.read_text(encoding="utf-8"):
            raise _StopAskedError

    with pytest.raises(_StopAskedError):
        run(pool, partial(work.spin_after_telling_pid, str(note)), check=check)
    wait_until_gone(int(note.read_text(encoding="utf-8")))


def test_pool_whose_process_was_killed_starts_it_again(pool: ConfinedPool) -> None:
    assert run(pool, partial(work.allocate, 1)) == 1
    nursery_of(pool).kill()
    assert run(pool, partial(work.allocate, 2)) == 2


def test_pool_when_closed_leaves_no_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    pool = pool_of()

    def spin() -> None:
        with pytest.raises(RetriableError):
            run(pool, partial(work.spin_after_telling_pid, str(note)))

    spinning = Thread(target=spin)
    spinning.start()
    wait_for(note)
    nursery = psutil.Process(int(note.read_text(encoding="utf-8"))).parent()
    assert nursery is not None
    pool.close()
    spinning.join(LONG_S)
    wait_until_gone(int(note.read_text(encoding="utf-8")))
    assert not nursery.is_running()


def test_pool_of_a_process_that_dies_takes_its_children_along(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    asker = os.fork()
    if asker == 0:
        pool = pool_of()
        run(pool, partial(work.spin_after_telling_pid, str(note)))
        os._exit(0)
    wait_for(note)
    os.kill(asker, signal.SIGKILL)
    os.waitpid(asker, 0)
    wait_until_gone(int(note.read_text(encoding="utf-8")))


def test_pool_after_a_fork_works_in_parent_and_child(pool: ConfinedPool) -> None:
    assert run(pool, partial(work.allocate, 1)) == 1
    child = os.fork()
    if child == 0:
        os._exit(run(pool, partial(work.allocate, 7)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert run(pool, partial(work.allocate, 2)) == 2


def test_pool_gives_children_no_secret_of_the_environment(
    pool: ConfinedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_ADMIN_PASSWORD", "hush")
    pool.close()
    assert "STUDIO_ADMIN_PASSWORD" not in run(pool, work.environment)


def test_pool_that_stands_back_does_so_for_the_process_that_asks() -> None:
    made = ConfinedPool(
        preload=["tests.studio.confined.work"],
        most_at_once=1,
        memory_budget_bytes=MUCH_BYTES,
        niceness=7,
    )
    with closing(made) as pool:
        run(pool, partial(work.allocate, 1))
        nursery = nursery_of(pool)
        assert nursery.nice() == min(os.nice(0) + 7, 19)
        assert os.getsid(nursery.pid) == os.getsid(0), "or Linux gives it as much as all of us"
        assert os.getpgid(nursery.pid) != os.getpgrp(), "or Ctrl-C at a terminal ends it first"


def test_pool_with_many_threads_gives_each_its_own_answer(pool: ConfinedPool) -> None:
    answers: dict[int, int] = {}

    def ask(number: int) -> None:
        answers[number] = run(pool, partial(work.allocate, number), owner=number)

    threads = [Thread(target=ask, args=(number,)) for number in range(1, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: number for number in range(1, 20)}


def test_pool_with_slow_work_of_one_owner_serves_another(pool: ConfinedPool) -> None:
    is_enough = Event()

    def check() -> None:
        if is_enough.is_set():
            raise _StopAskedError

    def spin() -> None:
        with pytest.raises(_StopAskedError):
            run(pool, work.spin, owner="slow", check=check)

    threads = [Thread(target=spin) for _ in range(5)]
    for thread in threads:
        thread.start()
    try:
        assert run(pool, partial(work.allocate, 5), owner="quick") == 5
    finally:
        is_enough.set()
        for thread in threads:
            thread.join()


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing more, however few files it has open."""
    with Path(os.devnull).open("rb") as lowest:
        was = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno() + 1, was[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, was)
