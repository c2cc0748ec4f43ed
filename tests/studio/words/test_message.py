from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from studio.words import Message, Value, msg, msgs, verbatim

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.one_of(
    st.text(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)),
)
NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)


def _messages(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Message]:
    return st.builds(Message, st.text(), st.dictionaries(NAMES, values, max_size=3), st.text())


VALUES = st.recursive(
    LEAVES,
    lambda values: _messages(values) | st.lists(values, max_size=3).map(tuple),
    max_leaves=8,
)


class Row(BaseModel):
    notes: list[Message]


@given(_messages(VALUES))
def test_message_kept_as_json_is_the_same(message: Message) -> None:
    kept = Row(notes=[message]).model_dump_json()

    assert Row.model_validate_json(kept).notes == [message]
    assert hash(Message.from_json(message.to_json())) == hash(message)


@given(_messages(VALUES))
def test_message_pickled_is_the_same(message: Message) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


@given(_messages(VALUES))
def test_message_of_any_row_is_always_said(message: Message) -> None:
    assert isinstance(str(message), str)


@given(st.text())
def test_verbatim_says_what_it_was_given(text: str) -> None:
    assert str(verbatim(text)) == text
    assert str(Message.from_json(text)) == text


@pytest.mark.parametrize("json", [None, 3, [], {}, {"text": 1}])
def test_message_of_something_else_is_refused(json: object) -> None:
    with pytest.raises(ValidationError):
        Row.model_validate({"notes": [json]})


def test_message_holds_messages_numbers_and_lists() -> None:
    reason = msg("{names} are {wide} wide, {by:.0%} over", names=("a", "b"), wide=4096, by=0.25)
    remedy = msg("Crop them.")

    said = str(msg("{file}: {reason}. {remedy}", file="{x}.png", reason=reason, remedy=remedy))

    assert said == "{x}.png: a and b are 4,096 wide, 25% over. Crop them."


@pytest.mark.parametrize(("n", "said"), [(0, "0 faces."), (1, "1 face."), (1200, "1,200 faces.")])
def test_msgs_says_the_form_of_its_number(n: int, said: str) -> None:
    assert str(msgs("{n} face.", "{n} faces.", n)) == said


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (msg("{a} {b.c} {d[0]} {}"), "{a} {b.c} {d[0]} {}"),
        (msg("{a.__class__}", a="x"), "{a.__class__}"),
        (Message("lone { brace", {"a": 1}), "lone { brace"),
        (msg("{port:d}", port=8501), "8501"),
        (msg("{name:.1f}", name="text"), "text"),
        (msg("{n!r} {n:>9}", n=1000), "1,000 1,000"),
        (msg("{at:d MMM, HH:mm}", at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC)), "4 Mar, 05:06"),
        (msg(""), ""),
        (msg("{n} {m:.1f}", n=float("inf"), m=float("nan")), "inf nan"),
    ],
)
def test_message_of_an_odd_template_says_what_it_can(message: Message, said: str) -> None:
    assert str(message) == said
