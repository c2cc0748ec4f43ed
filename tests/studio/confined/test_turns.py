from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Semaphore, Thread

import pytest

from studio.confined import turns as turns_module
from studio.confined.turns import Turns
from studio.errors import RetriableError


@contextmanager
def taken(turns: Turns, owner: str, memory_bytes: int = 1) -> Iterator[None]:
    with turns.take(owner, memory_bytes, patience_s=0.2, check=lambda: None):
        yield


def test_turns_beyond_the_places_of_one_owner_makes_only_that_one_wait() -> None:
    turns = Turns(4, 100)
    with taken(turns, "a"), taken(turns, "a"):
        with pytest.raises(RetriableError) as caught, taken(turns, "a"):
            pass
        assert caught.value.code == "work.busy"
        with taken(turns, "b"):
            pass


@pytest.mark.parametrize("places", [2, 3])
def test_turns_of_few_places_leaves_one_to_others(places: int) -> None:
    turns = Turns(places, 100)
    with taken(turns, "a"):
        with pytest.raises(RetriableError), taken(turns, "a"):
            pass
        with taken(turns, "b"):
            pass


def test_turns_beyond_all_places_makes_everybody_wait() -> None:
    turns = Turns(2, 100)
    with (
        taken(turns, "a"),
        taken(turns, "b"),
        pytest.raises(RetriableError),
        taken(turns, "c"),
    ):
        pass


def test_turns_beyond_the_memory_makes_work_wait_but_runs_it_alone() -> None:
    turns = Turns(4, 100)
    with taken(turns, "a", 60), pytest.raises(RetriableError), taken(turns, "b", 60):
        pass
    with taken(turns, "a", 1000):
        pass


def test_turns_beside_large_work_has_room_for_small_work_of_somebody_else_alone() -> None:
    turns = Turns(4, 100)
    with taken(turns, "a", 100):
        with pytest.raises(RetriableError), taken(turns, "a", 25):
            pass
        with pytest.raises(RetriableError), taken(turns, "b", 26):
            pass
        with taken(turns, "b", 25), taken(turns, "c", 25):
            pass


def test_turns_small_work_does_not_wait_behind_large_work_that_has_no_room() -> None:
    turns = Turns(4, 100)
    is_waiting, may_end = Event(), Event()

    def wait() -> None:
        with pytest.raises(LookupError), turns.take("b", 100, patience_s=60, check=check):
            pass

    def check() -> None:
        is_waiting.set()
        if may_end.is_set():
            raise LookupError

    with taken(turns, "a", 100):
        large = Thread(target=wait)
        large.start()
        assert is_waiting.wait(timeout=30)
        with taken(turns, "c", 25):
            pass
        may_end.set()
        large.join()


def test_turns_whose_work_raises_gives_the_place_back() -> None:
    turns = Turns(1, 100)
    for _ in range(3):
        with pytest.raises(LookupError), taken(turns, "a"):
            raise LookupError


def test_turns_whose_check_raises_ends_the_wait() -> None:
    def check() -> None:
        raise LookupError

    turns = Turns(1, 100)
    with (
        taken(turns, "a"),
        pytest.raises(LookupError),
        turns.take("b", 1, patience_s=60, check=check),
    ):
        pass


def test_turns_with_several_waiting_lets_the_one_with_least_running_go_first() -> None:
    turns = Turns(4, 100)
    order: list[str] = []

    def waiting(owner: str) -> Thread:
        is_queued = Event()

        def go() -> None:
            with turns.take(owner, 50, patience_s=60, check=is_queued.set):
                order.append(owner)

        thread = Thread(target=go)
        thread.start()
        is_queued.wait()
        return thread

    with taken(turns, "a", 50):
        with taken(turns, "c", 50):
            threads = [waiting("a"), waiting("b")]
        for thread in threads:
            thread.join()
    assert order == ["b", "a"]


def test_turns_while_waiting_looks_several_times_a_second_whether_it_is_still_wanted() -> None:
    turns = Turns(1, 100)
    looks: list[None] = []
    with (
        taken(turns, "a"),
        pytest.raises(RetriableError),
        turns.take("b", 1, patience_s=1, check=lambda: looks.append(None)),
    ):
        pass
    assert 4 <= len(looks) <= 20


def test_turns_that_end_or_begin_wake_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both that wait may begin once the large one ends, the second only after the first."""
    monkeypatch.setattr(turns_module, "_LOOK_S", 30)
    turns = Turns(4, 100)
    have_begun, may_end = Semaphore(0), Event()

    def waiting(owner: str, looks_after_s: float) -> Thread:
        is_queued = Event()

        def check() -> None:
            is_queued.set()
            time.sleep(looks_after_s)

        def go() -> None:
            with turns.take(owner, 50, patience_s=600, check=check):
                have_begun.release()
                may_end.wait(60)

        thread = Thread(target=go)
        thread.start()
        is_queued.wait()
        return thread

    with taken(turns, "a", 100):
        # The second has looked again, and found the first not begun, before the first does.
        threads = [waiting("b", looks_after_s=0.2), waiting("c", looks_after_s=0)]
        time.sleep(0.5)  # until they wait
    try:
        assert all(have_begun.acquire(timeout=20) for _ in threads)
    finally:
        may_end.set()
        for thread in threads:
            thread.join()
