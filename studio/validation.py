"""What Pydantic finds wrong, in our words.

Its own sentences are English and speak of Python. Each kind of error has a sentence here, which
every door says in its reader's language; kinds that we do not expect share one that says no more
than that the value cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from studio.text import shown
from studio.words import N_, Message, Value, msg, verbatim

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_A_TEXT = N_("this must be a text")
_A_NUMBER = N_("this must be a number")
_WHOLE = N_("this must be a whole number")
_TRUTH = N_("this must be true or false")
_A_LIST = N_("this must be a list")
_AN_OBJECT = N_("this must be an object, with names and values")
_AN_ID = N_("this is not an id")
_AN_INSTANT = N_("this is not a date and time")
_SENTENCES = {
    "missing": N_("this is needed"),
    "extra_forbidden": N_("there is nothing of this name"),
    "greater_than": N_("this must be more than {gt}"),
    "greater_than_equal": N_("this must be {ge} or more"),
    "less_than": N_("this must be less than {lt}"),
    "less_than_equal": N_("this must be {le} or less"),
    "finite_number": N_("this must be a finite number"),
    "string_type": _A_TEXT,
    "string_unicode": _A_TEXT,
    "string_too_short": N_("the number of characters must be {min_length} or more"),
    "string_too_long": N_("the number of characters must be {max_length} or less"),
    "string_pattern_mismatch": N_("this is not written as it should be"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _A_LIST,
    "tuple_type": _A_LIST,
    "too_short": N_("the number of items must be {min_length} or more"),
    "too_long": N_("the number of items must be {max_length} or less"),
    "dict_type": _AN_OBJECT,
    "mapping_type": _AN_OBJECT,
    "model_type": _AN_OBJECT,
    "model_attributes_type": _AN_OBJECT,
    "json_type": N_("this must be JSON"),
    "json_invalid": N_("this must be JSON"),
    "none_required": N_("this must be null"),
    "uuid_type": _AN_ID,
    "uuid_parsing": _AN_ID,
    "datetime_type": _AN_INSTANT,
    "datetime_parsing": _AN_INSTANT,
    "datetime_from_date_parsing": _AN_INSTANT,
}
"""By Pydantic's names for kinds of errors; places are filled from the error's context."""
_CHOICES = ("enum", "literal_error")
_OURS = ("value_error", "assertion_error")
_BETWEEN_CHOICES = re.compile(r", | or ")


def fault_in(errors: Sequence[ErrorDetails], whole: Message) -> Message:
    """The first of the errors of a value: where it is, and why it is not taken.

    ``whole`` names the value itself, for an error that is in no field of it.
    """
    place, reason = first_fault(errors)
    return msg("{field}: {reason}", field=place or whole, reason=reason)


def first_fault(errors: Sequence[ErrorDetails]) -> tuple[Value | None, Message]:
    """As ``fault_in``, apart: the way to the field, none where it is in none, and the reason."""
    first = errors[0]
    return _place(first["loc"]), reason_of(first)


def reason_of(error: ErrorDetails) -> Message:
    """Why a value is not taken, as the rest of a sentence that names the field.

    What a validator of ours raises, ``ValueError(msg(…))``, is taken as it stands.
    """
    context = error.get("ctx", {})
    kind = error["type"]
    if kind in _OURS and "error" in context:
        return _said_by_validator(context["error"])
    if kind in _CHOICES:
        return _choices(str(context["expected"]))
    if kind in _SENTENCES:
        return Message(_SENTENCES[kind], _values(context))
    return msg("this value cannot be used")


def _said_by_validator(error: Exception) -> Message:
    words = error.args[0] if error.args else ""
    return words if isinstance(words, Message) else verbatim(str(words))


def _choices(expected: str) -> Message:
    """Pydantic hands the choices over as English, such as ``'png', 'jpeg' or 'webp'``."""
    choices = tuple(one.strip("'") for one in _BETWEEN_CHOICES.split(expected))
    if len(choices) == 1:
        return msg("this must be {choice}", choice=choices[0])
    return msg("choose one of {choices}", choices=choices)


def _values(context: Mapping[str, Any]) -> dict[str, Value]:
    return {
        name: value if isinstance(value, int | float | str) else str(value)
        for name, value in context.items()
    }


def _place(location: Sequence[int | str]) -> Value | None:
    """The way to a field, as "points, item 3"; people count from 1."""
    if not location:
        return None
    first, *rest = (
        msg("item {number:d}", number=part + 1) if isinstance(part, int) else shown(part)
        for part in location
    )
    return reduce(lambda way, part: msg("{way}, {part}", way=way, part=part), rest, first)
