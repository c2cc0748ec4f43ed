"""The language in which a door answers: REST, our own web pages, the command line.

Each sets it once, for the request or the process. A request whose person has chosen a language is
answered in that one from the moment they are known. Streamlit's pages look theirs up anew with
every word (``app.ui.words``), for they run in threads that inherit nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from studio.words import Message, Value
from studio.words.language import ENGLISH, Language, best_language


@dataclass(slots=True)
class _Answer:
    """What is said to one request; the threads that work on it share it."""

    language: Language


_answer: ContextVar[_Answer | None] = ContextVar("answer", default=None)
_MOST_TAGS = 20
"""Of a header that a stranger may fill; browsers send five or so."""


def spoken() -> Language:
    """The language of the request, or of the terminal."""
    answer = _answer.get()
    return answer.language if answer else ENGLISH


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """What is said inside is said in ``language``."""
    before = _answer.set(_Answer(language))
    try:
        yield
    finally:
        _answer.reset(before)


def speak_as_chosen(locale: str | None) -> None:
    """The rest of the answer to this request is in the language that its person chose.

    Where they chose none, or there are no words for it any more, it stays as it was.
    """
    answer = _answer.get()
    if answer and locale:
        answer.language = best_language(locale, answer.language.tag)


def said(message: Message) -> str:
    """``message`` in the language of the request, or of the terminal."""
    return spoken().say(message)


def _(text: str, /, **values: Value) -> str:
    """The sentence ``text``, said at once."""
    return said(Message(text, values))


def _n(text: str, plural: str, n: int, /, **values: Value) -> str:
    """``text`` when ``n`` is one and ``plural`` otherwise, said at once."""
    return said(Message(text, {"n": n, **values}, plural))


def language_of_header(accept_language: str) -> Language:
    """The best language for what a client sends as ``Accept-Language``."""
    return best_language(*_tags(accept_language))


def language_of_terminal(environment: Mapping[str, str] = os.environ) -> Language:
    """The best language for what the environment says, as programs with gettext read it."""
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    value = next((environment[name] for name in names if environment.get(name)), "")
    # LANGUAGE may list several; the others may name an encoding.
    return best_language(*(tag.partition(".")[0] for tag in value.split(":") if tag))


def _tags(header: str) -> list[str]:
    """The tags of the header, the most wanted first."""
    weighed = []
    for part in header.split(",")[:_MOST_TAGS]:
        tag, _semicolon, quality = part.partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        weighed.append((weight, tag.strip()))
    wanted = sorted(weighed, key=lambda one: -one[0])
    return [tag for weight, tag in wanted if weight > 0 and tag]
