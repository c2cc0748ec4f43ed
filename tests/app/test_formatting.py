from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app import formatting as fmt

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (99_949, "99.9 kB"),
        (812_345, "812 kB"),
        (999_999, "1 MB"),
        (1_834_112, "1.8 MB"),
        (2_500_000_000, "2.50 GB"),
    ],
)
def test_file_size_reads_in_decimal_units(size_bytes: int, text: str) -> None:
    assert str(fmt.file_size(size_bytes)) == text


def test_exact_size_gives_every_byte() -> None:
    assert str(fmt.exact_size(1_834_112)) == "1.8 MB (1,834,112 bytes)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.21, "3.2 s"),
        (9.97, "10 s"),
        (59.6, "1 min"),
        (130, "2 min 10 s"),
        (1_800, "30 min"),
        (7_260, "2 h 1 min"),
    ],
)
def test_duration_uses_two_units_at_most(seconds: float, text: str) -> None:
    assert str(fmt.duration(seconds)) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=7), "7 h ago"),
        (timedelta(days=3), "6 Mar, 12:00"),
        (timedelta(days=400), "2 Feb 2025"),
    ],
)
def test_ago_turns_into_a_date_when_that_says_more(passed: timedelta, text: str) -> None:
    assert str(fmt.ago(NOW - passed, NOW)) == text
