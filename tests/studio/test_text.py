from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import UserInputError
from studio.text import (
    FILE_NAME_BYTES,
    fault_of,
    file_name,
    line,
    paragraphs,
    search_words,
    shown,
    tidy,
)
from studio.words import msg

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)


@given(ANY_TEXT)
def test_tidy_of_any_text_can_be_stored_and_shown_on_one_line(text: str) -> None:
    clean = tidy(text)
    assert clean.encode().decode() == clean
    assert not {unicodedata.category(char) for char in clean} & {"Cc", "Cs", "Zl", "Zp"}
    assert tidy(clean) == clean


@given(ANY_TEXT)
def test_file_name_of_any_text_is_one_every_disk_and_address_takes(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name.encode()) <= FILE_NAME_BYTES
    assert not set(name) & set('<>:"|?*\\/\0')
    assert name.strip(" .")
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("IMG 0001.JPG", "IMG 0001.JPG"),
        ("../../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.png", "cat.png"),
        ("photo\u202egnp.exe.png", "photognp.exe.png"),
        ("a\0b\x1b[31m.png", "ab[31m.png"),
        ("\ud800.png", ".png"),
        ("cafe\u0301.png", "café.png"),
        ("  a\u2028b\t.png ", "a b .png"),
        ("👩\u200d🎨.png", "👩\u200d🎨.png"),
        ("..", "picture"),
        ("", "picture"),
        ("a" * 300 + ".jpeg", "a" * 195 + ".jpeg"),
        ("é" * 300 + ".png", "é" * 98 + ".png"),
        ("a" * 250 + "." + "b" * 15, "a" * 184 + "." + "b" * 15),
        ("a" * 190 + "." + "b" * 16, "a" * 190 + "." + "b" * 9),
    ],
)
def test_file_name_keeps_what_a_person_would_know_it_by(given_name: str, kept: str) -> None:
    assert file_name(given_name) == kept


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 11, "longer than 10"),
        ("a" * 1_000_000, "longer than 10"),
        ("a\0b", "U+0000"),
        ("\ud800", "U+D800"),
        ("a\x1bb", "U+001B"),
    ],
)
def test_line_that_cannot_be_kept_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UserInputError, match="The name: ") as refusal:
        line(text, 10, what=msg("The name"))
    assert reason in str(refusal.value)
    assert refusal.value.code == "text.invalid"


def test_paragraphs_are_refused_as_a_line_is_and_keep_their_lines() -> None:
    note = paragraphs(" Rene\u0301\r\n\n& \u202e co \n", 10, what=msg("The note"))
    assert note == "René\n\n& co"
    with pytest.raises(UserInputError, match=r"The note: .*longer than 10"):
        paragraphs("a\n" * 6, 10, what=msg("The note"))
    with pytest.raises(UserInputError, match=r"U\+0000"):
        paragraphs("a\n\0", 10, what=msg("The note"))


def test_line_is_composed_and_on_one_line() -> None:
    assert line(" Rene\u0301\n &\tco ", 10, what=msg("The name")) == "René & co"
    assert fault_of("a" * 10, 10) is None
    assert fault_of("e\u0301" * 10, 10) is None, "as many characters as a person sees"


@given(ANY_TEXT)
def test_search_words_and_quotations_of_any_text_are_short(text: str) -> None:
    assert len(search_words(text)) <= 200
    assert len(shown(text)) <= 61


def test_quotations_are_cut_after_60_characters_and_say_so() -> None:
    assert shown("a" * 60) == "a" * 60
    assert shown("a" * 61) == "a" * 60 + "…"


def test_search_words_are_cut_after_200_characters() -> None:
    assert search_words("a" * 300) == "a" * 200
