from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.ui.progress import SHOWN, take_places

RUNS = [UUID(int=number) for number in range(3 * SHOWN)]


def test_places_run_that_has_ended_keeps_its_place_and_the_next_comes_last() -> None:
    places: list[UUID] = []
    take_places(places, RUNS)
    assert places == RUNS[:SHOWN]

    take_places(places, RUNS[1:])
    assert places == RUNS[: SHOWN + 1]


@given(st.lists(st.sets(st.sampled_from(RUNS)), max_size=6))
def test_places_whatever_ends_nothing_moves_and_enough_is_shown(left: list[set[UUID]]) -> None:
    places: list[UUID] = []
    for waiting in left:
        before = list(places)
        take_places(places, sorted(waiting))
        assert places[: len(before)] == before
        assert len(set(places)) == len(places)
        assert sum(run in waiting for run in places) >= min(SHOWN, len(waiting))
