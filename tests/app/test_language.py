from __future__ import annotations

from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import language
from studio.words import msg
from studio.words.language import ENGLISH
from tests.pseudo import PSEUDO, forget, teach


@pytest.fixture
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    teach(tmp_path, monkeypatch)
    yield
    forget()


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("eo", "eo"),
        ("eo,en;q=0.5", "eo"),
        ("en;q=0.5, eo;q=0.9", "eo"),
        ("en, eo", "en"),
        ("fr-CH, fr;q=0.9, eo;q=0.8, *;q=0.5", "eo"),
        ("eo;q=0, fr", "en"),
        ("eo;q=never", "en"),
        ("", "en"),
    ],
)
def test_language_of_header_is_the_one_wanted_most(header: str, tag: str) -> None:
    assert language.language_of_header(header).tag == tag


@given(st.text())
def test_language_of_header_takes_anything(header: str) -> None:
    assert language.language_of_header(header) is ENGLISH


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize(
    ("environment", "tag"),
    [
        ({"LANG": "eo_EO.UTF-8"}, "eo"),
        ({"LANG": "eo", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANGUAGE": "fr:eo:en", "LC_ALL": "C"}, "eo"),
        ({"LANG": ""}, "en"),
        ({}, "en"),
    ],
)
def test_language_of_terminal_follows_the_environment(
    environment: dict[str, str], tag: str
) -> None:
    assert language.language_of_terminal(environment).tag == tag


@pytest.mark.usefixtures("pseudo")
def test_speaking_lasts_as_long_as_what_is_inside() -> None:
    sentence = msg("{n} is not in the catalogue", n=10000)

    with language.speaking(language.language_of_header(PSEUDO)):
        inside = language.said(sentence)

    assert (inside, language.said(sentence)) == (
        "10\u202f000 is not in the catalogue",
        "10,000 is not in the catalogue",
    )


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize(
    ("locale", "wanted", "tag"),
    [
        (PSEUDO, "en", "eo"),
        ("en", PSEUDO, "en"),
        (None, PSEUDO, "eo"),
        ("pl", PSEUDO, "eo"),
        ("pl", "en", "en"),
    ],
)
def test_speak_as_chosen_outweighs_the_header_where_there_are_words(
    locale: str | None, wanted: str, tag: str
) -> None:
    with language.speaking(language.language_of_header(wanted)):
        # Whoever is identified is so in another thread, whose context is a copy.
        copy_context().run(language.speak_as_chosen, locale)
        assert language.spoken().tag == tag

    assert language.spoken() is ENGLISH


@pytest.mark.usefixtures("pseudo")
def test_speak_as_chosen_outside_of_an_answer_changes_nothing() -> None:
    language.speak_as_chosen(PSEUDO)

    assert language.spoken() is ENGLISH
