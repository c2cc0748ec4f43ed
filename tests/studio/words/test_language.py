from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale
from babel.messages import Catalog
from babel.messages.pofile import write_po

from studio.words import language, msg, msgs
from studio.words.language import ENGLISH, best_language
from tests.pseudo import forget

POLISH = {
    "The picture is {width} pixels wide": "Zdjęcie ma {width} pikseli szerokości",
    ("{n} face.", "{n} faces."): ("{n} twarz.", "{n} twarze.", "{n} twarzy."),
}


@pytest.fixture
def polish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Catalogues in a language of three plurals, and one that has two ways to be written."""
    for locale in ("pl", "zh_Hans_CN"):
        catalogue = Catalog(locale)
        if locale == "pl":
            for text, translated in POLISH.items():
                catalogue.add(text, translated)
        path = tmp_path / locale / "LC_MESSAGES" / "darkroom.po"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            write_po(file, catalogue)
    monkeypatch.setattr(language, "LOCALES", tmp_path)
    forget()
    yield
    forget()


@pytest.mark.usefixtures("polish")
def test_language_says_sentences_numbers_and_lists_its_own_way() -> None:
    polish = best_language("pl-PL")

    wide = msg("The picture is {width} pixels wide", width=12000.5)

    assert polish.say(wide) == "Zdjęcie ma 12\xa0000,5 pikseli szerokości"
    assert polish.say(msg("{names:.1f}", names=(1.25, 2.0, "c"))) == "1,2, 2,0 i c"
    assert [polish.say(msgs("{n} face.", "{n} faces.", n)) for n in (1, 3, 5)] == [
        "1 twarz.", "3 twarze.", "5 twarzy."
    ]  # fmt: skip


@pytest.mark.usefixtures("polish")
def test_language_without_a_sentence_says_it_in_english() -> None:
    polish = best_language("pl")

    assert polish.say(msg("Not in any catalogue.")) == "Not in any catalogue."
    assert polish.say(msg("")) == ""


@pytest.mark.usefixtures("polish")
@pytest.mark.parametrize(
    ("wanted", "locale"),
    [
        (["zh-CN"], "zh_Hans_CN"),
        (["zh"], "zh_Hans_CN"),
        (["zh-SG"], "zh_Hans_CN"),
        (["zh-TW"], "en"),
        (["zh-Hant-CN", "pl"], "pl"),
        (["en-GB", "pl"], "en"),
        (["tlh", "*", "", "no such tag", "pl"], "pl"),
        ([], "en"),
    ],
)
def test_best_language_is_the_first_that_the_reader_reads(wanted: list[str], locale: str) -> None:
    assert best_language(*wanted).locale == Locale.parse(locale)


def test_english_is_always_there() -> None:
    assert language.locales()[0] == "en"
    assert best_language("en-US") is ENGLISH


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (10**15 - 1, "999,999,999,999,999"),
        (10**28, "1e+28"),
        (-(10**5000), "-1e+5000"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        ("a\ud800b", "a?b"),
    ],
    ids=["digits", "large", "huge", "float", "infinite", "surrogate"],
)
def test_language_says_any_value_in_what_can_be_written(value: float | str, words: str) -> None:
    said = ENGLISH.say(msg("{value}", value=value))
    assert said == words
    said.encode()
