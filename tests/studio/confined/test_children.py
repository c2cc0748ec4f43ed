"""What a child finds when its call begins, and what is left of it afterwards."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from threading import Thread

import psutil
import pytest

from studio.confined import pool as pool_module
from studio.confined.pool import ConfinedPool, OverrunError
from studio.errors import BusyError
from tests.studio.confined import work
from tests.studio.confined.pools import nursery_of, pool_of, run, wait_for

pytestmark = pytest.mark.slow

_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
_MEMORY = {"MALLOC_ARENA_MAX": "2", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@pytest.fixture(scope="module")
def pool() -> Iterator[ConfinedPool]:
    with closing(pool_of(2)) as made:
        yield made


def test_child_has_the_limits_of_time_of_its_call(pool: ConfinedPool) -> None:
    """By the clock six times what it may take of the processors, and half a minute."""
    of_processors = partial(signal.getitimer, signal.ITIMER_PROF)
    by_the_clock = partial(signal.getitimer, signal.ITIMER_REAL)
    assert 95 < run(pool, of_processors, time_limit_s=100)[0] <= 100.1
    assert 600 < run(pool, by_the_clock, time_limit_s=100)[0] <= 630.1


def test_child_is_the_first_to_go_when_memory_is_short(pool: ConfinedPool) -> None:
    assert run(pool, work.memory_preference) == "1000"


def test_child_that_crashes_leaves_no_image_of_what_it_read(pool: ConfinedPool) -> None:
    assert run(pool, partial(resource.getrlimit, resource.RLIMIT_CORE)) == (0, 0)


def test_child_begins_without_the_signals_and_the_input_of_others(pool: ConfinedPool) -> None:
    assert run(pool, work.signals_are_its_own)
    assert run(pool, work.reads_nothing)


def test_child_shares_what_the_process_that_it_was_forked_from_has_imported(
    pool: ConfinedPool,
) -> None:
    assert run(pool, gc.get_freeze_count) > 0
    with closing(
        ConfinedPool(preload=["colorsys"], most_at_once=1, memory_budget_bytes=1)
    ) as other:
        assert "colorsys" in run(other, work.loaded_modules)


def test_child_environment_is_small_and_bounds_threads_and_arenas(
    pool: ConfinedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    pool.close()
    environment = run(pool, work.environment)
    assert environment.items() >= (_THREADS | _MEMORY | {"TZ": "UTC"}).items()
    allowed = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
    assert set(environment) <= {"PYTHONPATH", *allowed, *_THREADS, *_MEMORY}
    assert "" not in environment["PYTHONPATH"].split(os.pathsep), "or the working folder is read"


def test_child_beside_another_has_no_socket_but_the_one_it_answers_on(
    pool: ConfinedPool, tmp_path: Path
) -> None:
    started, may_end = tmp_path / "pid", tmp_path / "go"
    counts: list[int] = []

    count_late = partial(work.tell_pid_and_count_sockets, str(started), str(may_end))
    beside = Thread(target=lambda: counts.append(run(pool, count_late, owner="a")))
    beside.start()
    wait_for(started)
    counts.append(run(pool, work.sockets, owner="b"))
    may_end.touch()
    beside.join()
    assert counts == [1, 1]


def test_pool_after_all_kinds_of_ends_has_nothing_more_open_and_the_same_process(
    pool: ConfinedPool, tmp_path: Path
) -> None:
    def give_up() -> None:
        if (tmp_path / "pid").exists():
            raise LookupError

    def end_in_all_ways() -> None:
        assert run(pool, partial(work.allocate, 7)) == 7
        for call in (work.fail, work.crash, work.unpicklable):
            with pytest.raises((LookupError, OverrunError, RuntimeError)):
                run(pool, call)
        endless = partial(work.spin_after_telling_pid, str(tmp_path / "pid"))
        with pytest.raises(LookupError):
            run(pool, endless, check=give_up)
        (tmp_path / "pid").unlink()

    nursery = nursery_of(pool)
    end_in_all_ways()
    before = open_descriptors(nursery)
    end_in_all_ways()
    assert open_descriptors(nursery) == before
    assert nursery_of(pool).pid == nursery.pid


def test_pool_when_closed_and_started_again_has_nothing_more_open(
    pool: ConfinedPool, recwarn: pytest.WarningsRecorder
) -> None:
    run(pool, partial(work.allocate, 1))
    gc.collect()
    before = psutil.Process().num_fds()
    nursery_of(pool).kill()
    run(pool, partial(work.allocate, 2))
    pool.close()
    run(pool, partial(work.allocate, 3))
    gc.collect()
    assert psutil.Process().num_fds() == before
    assert left_to_the_collector(recwarn) == []


def test_pool_without_a_process_to_be_had_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def none_to_be_had(*_: object, **__: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "Popen", none_to_be_had)
    before = psutil.Process().num_fds()
    with closing(pool_of()) as pool, pytest.raises(BusyError):
        pool.start()
    gc.collect()
    assert psutil.Process().num_fds() == before
    assert left_to_the_collector(recwarn) == []


def test_pool_whose_process_is_gone_and_does_not_show_it_yet_starts_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def poll_late(process: subprocess.Popen[bytes]) -> int | None:
        return process.returncode  # not known before somebody has waited for it

    with closing(pool_of()) as pool:
        nursery = nursery_of(pool)
        monkeypatch.setattr(subprocess.Popen, "poll", poll_late)
        nursery.kill()
        assert run(pool, partial(work.allocate, 2)) == 2


def test_pool_that_is_started_has_its_process_before_the_first_call() -> None:
    before = set(psutil.Process().children())
    with closing(pool_of()) as pool:
        pool.start()
        [nursery] = set(psutil.Process().children()) - before
        assert nursery_of(pool) == nursery
        assert nursery.nice() == os.nice(0)


def test_nursery_with_nothing_to_do_takes_no_processor_time(pool: ConfinedPool) -> None:
    nursery = nursery_of(pool)
    with suppress(OverrunError):
        run(pool, work.crash)
    time.sleep(0.2)
    before = nursery.cpu_times()
    time.sleep(1)
    after = nursery.cpu_times()
    assert after.user + after.system - before.user - before.system < 0.05


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs to bound another process")
def test_pool_whose_nursery_has_too_few_descriptors_left_asks_to_come_again(
    pool: ConfinedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_STATUS_LIMIT_S", 0.2)
    nursery = nursery_of(pool)
    before = open_descriptors(nursery)
    was = nursery.rlimit(resource.RLIMIT_NOFILE)
    assert was is not None
    taken = {int(entry.name) for entry in Path(f"/proc/{nursery.pid}/fd").iterdir()}
    free = [number for number in range(256) if number not in taken]
    nursery.rlimit(resource.RLIMIT_NOFILE, (free[2], was[1]))
    with pytest.raises(BusyError) as caught:
        run(pool, partial(work.allocate, 1))
    assert caught.value.code == "work.no_process"
    nursery.rlimit(resource.RLIMIT_NOFILE, was)
    assert run(pool, partial(work.allocate, 2)) == 2
    assert open_descriptors(nursery) == before
    assert nursery_of(pool) == nursery


@pytest.mark.parametrize("call", [partial(work.allocate, 1), work.stop_the_nursery_and_crash])
def test_pool_whose_nursery_is_stuck_asks_to_come_again_and_ends_it(
    call: partial[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_STATUS_LIMIT_S", 0.2)
    monkeypatch.setattr(pool_module, "_START_LIMIT_S", 0.2)
    pool = pool_of()
    nursery = nursery_of(pool)
    if call is not work.stop_the_nursery_and_crash:
        nursery.suspend()
    with pytest.raises(BusyError) as caught:
        pool.run(call, time_limit_s=60, wall_limit_s=0.5, memory_limit_bytes=500_000_000)
    assert caught.value.code == "work.no_process"
    pool.close()
    assert not nursery.is_running()


def test_pool_whose_places_are_taken_lets_work_wait_so_long_and_no_longer(tmp_path: Path) -> None:
    started, may_end = tmp_path / "pid", tmp_path / "go"
    with closing(pool_of()) as pool:
        call = partial(work.tell_pid_and_count_sockets, str(started), str(may_end))
        first = Thread(target=run, args=(pool, call))
        first.start()
        wait_for(started)
        with pytest.raises(BusyError) as caught:
            pool.run(os.getpid, time_limit_s=60, memory_limit_bytes=1, owner="b", patience_s=0.2)
        assert caught.value.code == "work.busy"
        may_end.touch()
        first.join()


def test_pool_asks_several_times_a_second_whether_work_is_still_wanted(pool: ConfinedPool) -> None:
    looks: list[None] = []
    run(pool, partial(work.wait, 1), check=lambda: looks.append(None))
    assert 4 <= len(looks) <= 20


def open_descriptors(nursery: psutil.Process) -> int:
    """How many the nursery has open once the ends of its children have reached it."""
    while nursery.children():
        time.sleep(0.01)
    time.sleep(0.05)
    count: int = nursery.num_fds()
    return count


def left_to_the_collector(warned: pytest.WarningsRecorder) -> list[str]:
    """What was closed only because nobody held it any more."""
    return [str(one.message) for one in warned if issubclass(one.category, ResourceWarning)]
