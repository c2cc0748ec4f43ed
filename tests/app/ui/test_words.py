from __future__ import annotations

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from tests.app.test_language import pseudo  # noqa: F401  a fixture
from tests.pseudo import PSEUDO


def _page() -> None:
    import streamlit as st

    from app.ui.words import _, _n, said
    from studio.errors import StudioError
    from studio.words import N_, msg

    st.text(_("{n} pixels", n=12000))
    st.text(_n("{n} face", "{n} faces", 1))
    st.text(said(msg("{one}", one=msg("inner {n}", n=0.5))))
    st.text(said(N_("Feathered twice")))
    st.text(said(StudioError(msg("A {{fault}} of yours."))))


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize(
    ("locale", "numbers"),
    [("en-GB", ("12,000", "0.5")), (None, ("12,000", "0.5")), (PSEUDO, ("12\u202f000", "0,5"))],
)
def test_pages_speak_as_the_browser_does(
    monkeypatch: pytest.MonkeyPatch, locale: str | None, numbers: tuple[str, str]
) -> None:
    monkeypatch.setattr(ContextProxy, "locale", property(lambda _context: locale))

    page = AppTest.from_function(_page).run()

    assert not page.exception
    assert [text.value for text in page.text] == [
        f"{numbers[0]} pixels",
        "1 face",
        f"inner {numbers[1]}",
        "Feathered twice",
        "A {fault} of yours.",
    ]
