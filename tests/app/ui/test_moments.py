from __future__ import annotations

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from tests.app.test_language import pseudo  # noqa: F401  a fixture
from tests.pseudo import PSEUDO


def _page() -> None:
    from datetime import UTC, datetime

    import streamlit as st

    from app.formatting import ago, day
    from app.ui.moments import exactly, when
    from app.ui.words import _, said

    moment = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    st.text(said(ago(moment, now)))
    st.text(exactly(moment))
    st.text(_("ends on {day}", day=day(moment)))
    st.text(when(moment))


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Tokyo", ("1 Jan, 08:30", "1 Jan 2026, 08:30:00 +0900", "1 Jan 2026")),
        (None, ("31 Dec, 23:30", "31 Dec 2025, 23:30:00 UTC", "31 Dec 2025")),
        (
            "Mars/Olympus",
            ("31 Dec, 23:30", "31 Dec 2025, 23:30:00 UTC", "31 Dec 2025"),
        ),
    ],
)
def test_moments_are_told_at_the_time_of_where_the_browser_is(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, said: tuple[str, str, str]
) -> None:
    monkeypatch.setattr(ContextProxy, "timezone", property(lambda _context: zone))

    page = AppTest.from_function(_page).run()

    assert not page.exception
    short, exact, day = said
    texts = [text.value for text in page.text]
    assert texts[:3] == [short, exact, f"ends on {day}"]
    assert texts[3].startswith(f'<time datetime="2025-12-31T23:30:00+00:00" title="{exact}">')


@pytest.mark.usefixtures("pseudo")
def test_moments_are_told_in_the_language_of_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: PSEUDO))
    monkeypatch.setattr(ContextProxy, "timezone", property(lambda _context: "Europe/Rome"))

    page = AppTest.from_function(_page).run()

    short, exact = [text.value for text in page.text][:2]
    assert short == "⟦1 Jan, 00:30⟧"
    assert "1 Jan 2026, 00:30:00 +0100" in exact
