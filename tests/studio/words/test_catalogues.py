from __future__ import annotations

import ast
from collections.abc import Iterator
from string import Formatter

from babel.messages import Catalog

from studio.words.language import DOMAIN, LOCALES
from tests.messages import KEYWORDS, PACKAGES, ROOT, TEMPLATE, as_template, gathered, read

TRANSLATED = sorted(LOCALES.glob(f"*/*/{DOMAIN}.po"))
GATHER = "run `make messages`"


def _texts(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _places(text: str) -> set[str]:
    """The names in ``text``, each as it is written out."""
    return {f"{name}:{spec}" for _, name, spec, _ in Formatter().parse(text) if name is not None}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of the code that says something, with where it is and by which name."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                    if name in KEYWORDS:
                        yield f"{path.relative_to(ROOT)}:{node.lineno} {name}", node


def test_template_holds_what_the_code_says() -> None:
    assert TEMPLATE.read_text(encoding="utf-8") == as_template(gathered()), GATHER


def test_sentences_are_literals_and_name_what_they_are_given() -> None:
    faults = []
    for place, call in _calls():
        name = place.rpartition(" ")[2]
        texts = call.args[: len(KEYWORDS[name] or (1,))]
        if not all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in texts):
            faults.append(f"{place}: what is looked up must be written as it is, in one literal")
            continue
        given = {keyword.arg for keyword in call.keywords} | ({"n"} if len(texts) == 2 else set())
        named = {one.partition(":")[0] for text in texts for one in _places(text.value)}
        is_said_later = name.startswith("N_")
        if not is_said_later and None not in given and named - given | given - named - {"n"}:
            faults.append(f"{place}: {named} are named, {given} are given")

    assert not faults


def test_no_sentence_stands_within_another_string() -> None:
    """Nothing gathers what stands between the braces of an f-string."""
    faults = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
                    if {one.id for one in calls if isinstance(one, ast.Name)} & set(KEYWORDS):
                        faults.append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert not faults


def test_sentences_have_places_that_a_row_may_fill() -> None:
    for message in gathered():
        for text in _texts(message.id):
            for place in _places(text):
                assert place.partition(":")[0].isidentifier(), text


def _faults(catalogue: Catalog, said: Catalog) -> Iterator[str]:
    """What a translator has yet to do."""
    missing = {message.id for message in said} - {message.id for message in catalogue}
    yield from (f"{GATHER}: {text}" for text in missing)
    for message in catalogue:
        translations = _texts(message.string)
        if not message.id:
            continue
        if not all(translations):
            yield f"not translated: {message.id}"
        elif message.fuzzy:
            yield f"to be looked at: {message.id}"
        elif set.union(*map(_places, translations)) != set.union(*map(_places, _texts(message.id))):
            yield f"other places than in: {message.id}"


def test_catalogues_are_whole() -> None:
    said = gathered()

    faults = [
        f"{path.parts[-3]}: {fault}"
        for path in TRANSLATED
        for fault in _faults(read(path, locale=path.parts[-3]), said)
    ]

    assert not faults


def test_catalogue_with_faults_is_found() -> None:
    said, catalogue = Catalog(), Catalog("pl")
    for text in ("a", "b", "{c} of {d:.1f}", ("{n} e", "{n} es"), "f"):
        said.add(text)
    catalogue.add("b", "")
    catalogue.add("{c} of {d:.1f}", "{d} z {c}")
    catalogue.add(("{n} e", "{n} es"), ("{n} e", "{n} ee", ""))
    catalogue.add("f", "f", flags=["fuzzy"])

    assert sorted(_faults(catalogue, said)) == sorted(
        [
            f"{GATHER}: a",
            "not translated: b",
            "other places than in: {c} of {d:.1f}",
            "not translated: ('{n} e', '{n} es')",
            "to be looked at: f",
        ]
    )
