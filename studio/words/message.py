"""What is said to people, kept as an English sentence and the values that belong in it.

A sentence is said in the reader's language where somebody reads it, and not where it is thought
of: errors, notes and rows hold a ``Message``, doors render it (``studio.words.language``).

Its text is the English sentence, under which a translation is looked up. ``{name}`` in it stands
for a value, ``{name:.1f}`` for a number with one decimal, ``{name:d}`` for one without marks
between its thousands; ``{{`` is a brace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, Union

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

Value: TypeAlias = Union[str, int, float, datetime, "Message", tuple["Value", ...]]
"""What may stand in a sentence: words that are not translated (names, codes), numbers, an
instant, other messages, or several of these, which are listed as the language lists things."""

JsonMessage: TypeAlias = str | dict[str, Any]
"""A message as rows keep it: an object; a bare string, as older rows have, is what it says."""


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence, or a part of one, in English and with its values; ``str`` of it is English.

    ``plural``, where there is one, is the text for every number of ``n`` but one.
    """

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    plural: str = ""

    def __hash__(self) -> int:
        return hash((self.text, self.plural, frozenset(self.values.items())))

    def __str__(self) -> str:
        from studio.words.language import ENGLISH  # loads Babel, which not every process needs

        return ENGLISH.say(self)

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.text)

    def to_json(self) -> dict[str, Any]:
        """As rows and records keep it."""
        json: dict[str, Any] = {"text": self.text}
        if self.values:
            json["values"] = {name: _value_to_json(value) for name, value in self.values.items()}
        if self.plural:
            json["plural"] = self.plural
        return json

    @classmethod
    def from_json(cls, json: object) -> Message:
        """The message that a row keeps, however old.

        Raises:
            ValueError: it is none.

        """
        if isinstance(json, cls):
            return json
        if isinstance(json, str):
            return verbatim(json)
        if not isinstance(json, Mapping) or not isinstance(json.get("text"), str):
            raise ValueError("not a message")  # noqa: TRY004  Pydantic takes only this one
        values = {str(name): _value_of(value) for name, value in json.get("values", {}).items()}
        return cls(json["text"], values, str(json.get("plural", "")))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> object:
        from pydantic import PlainSerializer, PlainValidator

        as_row = PlainValidator(cls.from_json), PlainSerializer(cls.to_json)
        return handler(Annotated[Any, *as_row])


def msg(text: str, /, **values: Value) -> Message:
    """The sentence ``text`` with its values; ``text`` is a literal, so that it is found."""
    return Message(text, values)


def msgs(text: str, plural: str, n: int, /, **values: Value) -> Message:
    """``text`` when ``n`` is one and ``plural`` otherwise; both may name ``{n}``."""
    return Message(text, {"n": n, **values}, plural)


def verbatim(text: str) -> Message:
    """``text`` as it stands, braces too: of a library, of somebody's, of a file, of an old row."""
    return Message(text.replace("{", "{{").replace("}", "}}"))


def paragraph(sentences: Iterable[Message]) -> Message:
    """Sentences that each stand for themselves, one after the other."""
    values = {f"s{number}": sentence for number, sentence in enumerate(sentences)}
    return Message(" ".join(f"{{{name}}}" for name in values), values)


def N_(text: str) -> str:  # noqa: N802  the name that translators' tools know
    """``text`` itself, marked as words that are translated where they are shown."""
    return text


def N_n(text: str, plural: str) -> tuple[str, str]:  # noqa: N802  as ``N_``
    """As ``N_``, of words that go with a number: those for one, and those for every other."""
    return text, plural


def _value_to_json(value: Value) -> object:
    if isinstance(value, Message):
        return value.to_json()
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return [_value_to_json(one) for one in value] if isinstance(value, tuple) else value


def _value_of(json: object) -> Value:
    if isinstance(json, Mapping):
        return datetime.fromisoformat(json["at"]) if "at" in json else Message.from_json(json)
    if isinstance(json, list | tuple):
        return tuple(_value_of(one) for one in json)
    return json if isinstance(json, str | int | float) else str(json)
