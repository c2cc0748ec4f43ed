from __future__ import annotations

import pytest

from app.people import throttle


@pytest.mark.parametrize(
    ("beyond", "wait_s"), [(-1, 0.0), (0, 2.0), (1, 4.0), (5, 64.0), (20, 2.0 * 2**20)]
)
def test_wait_is_none_while_it_is_free_then_two_seconds_and_twice_as_long_each_time(
    beyond: int, wait_s: float
) -> None:
    assert throttle._growing_s(beyond) == wait_s
    assert throttle._growing_s(10**6) == throttle._growing_s(20), "where doubling ends"


def test_pause_for_what_strangers_did_is_one_that_a_person_sits_out() -> None:
    assert throttle._LONGEST_PAUSE_S <= 4
