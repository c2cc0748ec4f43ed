from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core.core_schema import ErrorType

from studio import validation
from studio.validation import fault_in
from studio.words import msg
from studio.words.language import language
from tests.app.test_language import pseudo  # noqa: F401  a fixture
from tests.pseudo import PSEUDO, unbracketed


class Mode(StrEnum):
    FAST = "fast"
    GOOD = "good"


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    needed: int
    more: int = Field(default=1, ge=1, le=9000)
    between: float = Field(default=0.5, gt=0, lt=1)
    word: str = Field(default="ab", min_length=2, max_length=3)
    colour: str = Field(default="#fff", pattern=r"^#[0-9a-f]{3}$")
    mode: Mode = Mode.FAST
    side: Literal[512, 1024] | None = None
    only: Literal["png"] = "png"
    is_on: bool = True
    points: list[int] = Field(default=[1], min_length=1, max_length=2)
    names: dict[str, int] = {}
    id: UUID | None = None
    at: datetime | None = None
    taken: Annotated[int, Field(multiple_of=2)] = 2
    checked: int = 1

    @field_validator("checked")
    @classmethod
    def _is_small(cls, value: int) -> int:
        if value > 9:
            raise ValueError(msg("{n} is too much", n=value))
        if value > 5:
            raise ValueError("{this} is somebody's own")
        return value


CASES: list[tuple[dict[str, Any], str]] = [
    ({"needed": ...}, "needed: this is needed"),
    ({"needed": "x"}, "needed: this must be a whole number"),
    ({"needed": 1.5}, "needed: this must be a whole number"),
    ({"other": 1}, "other: there is nothing of this name"),
    ({"more": 0}, "more: this must be 1 or more"),
    ({"more": 10_000}, "more: this must be 9,000 or less"),
    ({"between": 0}, "between: this must be more than 0"),
    ({"between": 1}, "between: this must be less than 1"),
    ({"between": float("nan")}, "between: this must be a finite number"),
    ({"between": "x"}, "between: this must be a number"),
    ({"word": "a"}, "word: the number of characters must be 2 or more"),
    ({"word": "abcd"}, "word: the number of characters must be 3 or less"),
    ({"word": 1}, "word: this must be a text"),
    ({"colour": "red"}, "colour: this is not written as it should be"),
    ({"mode": "slow"}, "mode: choose one of fast and good"),
    ({"side": 5}, "side: choose one of 512 and 1024"),
    ({"only": "gif"}, "only: this must be png"),
    ({"is_on": "perhaps"}, "is_on: this must be true or false"),
    ({"points": 1}, "points: this must be a list"),
    ({"points": []}, "points: the number of items must be 1 or more"),
    ({"points": [1, 2, 3]}, "points: the number of items must be 2 or less"),
    ({"points": [1, "x"]}, "points, item 2: this must be a whole number"),
    ({"names": 1}, "names: this must be an object, with names and values"),
    ({"id": "x"}, "id: this is not an id"),
    ({"at": "x"}, "at: this is not a date and time"),
    ({"taken": 3}, "taken: this value cannot be used"),
    ({"checked": 12}, "checked: 12 is too much"),
    ({"checked": 7}, "checked: {this} is somebody's own"),
]


def refusal(values: object) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        Everything.model_validate(values)
    return refused.value


@pytest.mark.parametrize(("values", "words"), CASES, ids=[words for _, words in CASES])
def test_fault_in_says_what_is_wrong_in_our_words(values: dict[str, Any], words: str) -> None:
    given = {name: value for name, value in {"needed": 1, **values}.items() if value is not ...}

    assert str(fault_in(refusal(given).errors(), whole=msg("all"))) == words


def test_fault_in_names_the_whole_where_no_field_is_at_fault() -> None:
    words = str(fault_in(refusal([]).errors(), whole=msg("parameters")))

    assert words == "parameters: this must be an object, with names and values"


@pytest.mark.usefixtures("pseudo")
def test_fault_in_is_said_in_the_readers_language() -> None:
    fault = fault_in(refusal({"needed": 1, "more": 10_000}).errors(), whole=msg("all"))

    assert unbracketed(language(PSEUDO).say(fault)) == ""
    assert "9\u202f000" in language(PSEUDO).say(fault)


def test_sentences_are_of_kinds_of_errors_that_pydantic_has() -> None:
    kinds = {*validation._SENTENCES, *validation._CHOICES, *validation._OURS}

    assert kinds <= set(get_args(ErrorType))
