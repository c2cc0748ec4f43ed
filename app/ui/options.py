"""Option widgets made from the parameter models, so that pages share names with REST and CLI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from app.ui.literal import literal_sentence
from app.ui.words import _, said
from studio.errors import UserInputError
from studio.params import Choice, ImageFormat, ToolParams, unit_of
from studio.tools.registry import parse_params
from studio.words import Message


def label_of(value: object) -> str:
    """How an option's value reads on a page."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Choice):
        return said(value.label)
    if isinstance(value, float):
        return said(Message("{number}", {"number": value}))
    if isinstance(value, tuple):
        labels = tuple("–" if one is None else label_of(one) for one in value)
        return said(Message("{labels}", {"labels": labels}))
    return _("not set") if value is None else str(value)


def value_of(name: str, value: object) -> str:
    """As ``label_of``, with the unit that the field ``name`` is counted in."""
    is_counted = isinstance(value, (int, float)) and not isinstance(value, bool)
    label, unit = label_of(value), unit_of(name) if is_counted else ""
    return _("{value} {unit}", value=label, unit=unit) if unit else label


class OptionForm:
    """The widgets of one parameter model; each ``ask`` draws one and remembers its value.

    Fields that a page does not ask for keep their initial value.
    """

    def __init__(
        self, params: type[ToolParams], initial: Mapping[str, Any] | None = None, *, key: str
    ) -> None:
        self._params = params
        self.key = key
        known = {
            name: value for name, value in (initial or {}).items() if name in params.model_fields
        }
        self.values: dict[str, Any] = params(**known).model_dump()

    def ask(self, name: str, **layout: Any) -> Any:  # noqa: ANN401 - a field has any type
        """Draw the widget for field ``name`` and return its value.

        ``layout`` may name another ``label`` or ``value``, fewer ``choices``, or
        ``widget="select"`` for a select box; the rest are Streamlit's own options.
        """
        field = self._params.model_fields[name]
        label = layout.pop("label", None) or said(field.title or name)
        value = layout.pop("value", self.values[name])
        words = said(field.description) if field.description else None
        options = {"key": f"{self.key}.{name}", "help": words, **layout}
        self.values[name] = _draw(name, field, label, value, options)
        return self.values[name]

    def ask_format(self, choices: Sequence[ImageFormat] = tuple(ImageFormat)) -> None:
        """The file format among ``choices``, and its quality where it has one."""
        if self.ask("format", choices=list(choices)) is not ImageFormat.PNG:
            self.ask("quality")

    def set(self, name: str, value: object) -> None:
        """Take a value that a page asked for in its own way."""
        self.values[name] = value

    def parse(self) -> ToolParams:
        """The parameters as they stand.

        Raises:
            UserInputError: ``params.invalid``, when two values contradict each other.

        """
        values = {name: value for name, value in self.values.items() if name != "tool"}
        return parse_params(self.values["tool"], values)

    def unchecked(self) -> ToolParams:
        """As ``parse``, with values that may contradict each other."""
        return self._params.model_construct(**self.values)

    def parse_or_say(self) -> ToolParams | None:
        """As ``parse``; where values contradict each other, the page says so and None comes."""
        try:
            return self.parse()
        except UserInputError as error:
            st.error(literal_sentence(error), icon=":material/error:")
            return None


def _draw(
    name: str,
    field: FieldInfo,
    label: str,
    value: Any,  # noqa: ANN401 - a field has any type
    options: dict[str, Any],
) -> Any:  # noqa: ANN401
    alternatives = _alternatives(field.annotation)
    kind = next(kind for kind in alternatives if kind is not NoneType)
    rest = [None] if NoneType in alternatives else []
    if kind is bool:
        return st.toggle(label, value=value, **options)
    if get_origin(kind) is Literal:
        options.setdefault("format_func", partial(value_of, name))
        return _choice(label, [*get_args(kind), *rest], value, options)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _choice(label, options.pop("choices", list(kind)), value, options)
    if kind in (int, float):
        return _number(field, kind, label, value, options, unit_of(name))
    if kind is str and str(value).startswith("#"):
        return st.color_picker(label, value=value, **options)
    if kind is str:
        return st.text_input(label, value=value or "", **options) or (None if rest else "")
    raise TypeError(f"no widget for {label}: {field.annotation}")


def can_ask(field: FieldInfo) -> bool:
    """Whether there is a widget for values of this field."""
    kind = next(kind for kind in _alternatives(field.annotation) if kind is not NoneType)
    is_plain = isinstance(kind, type) and issubclass(kind, (bool, int, float, str))
    return get_origin(kind) is Literal or is_plain


def _alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations are any object
    is_union = get_origin(annotation) in (Union, UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _choice(label: str, choices: list[Any], value: object, options: dict[str, Any]) -> object:
    options.setdefault("format_func", label_of)
    if value not in choices:
        value = choices[0]
    if None in choices:
        return _choice_or_none(label, choices, value, options)
    if options.pop("widget", "") == "select":
        return st.selectbox(label, choices, index=choices.index(value), **options)
    return st.segmented_control(label, choices, default=value, required=True, **options)


def _choice_or_none(
    label: str, choices: list[Any], value: object, options: dict[str, Any]
) -> object:
    """As ``_choice``, where "none" is one of the choices: to the widget it is no choice at all."""
    read = options.pop("format_func")
    by_label = {read(choice): choice for choice in choices}
    options["format_func"] = str
    return by_label[str(_choice(label, list(by_label), read(value), options))]


def _number(
    field: FieldInfo,
    kind: type[int] | type[float],
    label: str,
    value: float | None,
    options: dict[str, Any],
    unit: str,
) -> float | None:
    """A slider names the unit; beside a box the style does, by the last word of its key."""
    low = next((kind(str(bound.ge)) for bound in field.metadata if isinstance(bound, Ge)), None)
    high = next((kind(str(bound.le)) for bound in field.metadata if isinstance(bound, Le)), None)
    given = None if value is None else kind(value)
    if given is None or low is None or high is None or high - low > 100:
        if kind is float:
            options.setdefault("format", "%.1f")
        return st.number_input(label, min_value=low, max_value=high, value=given, **options)
    fine, shape = (0.05, "%.2f") if high - low <= 1 else (0.5, "%.1f")
    step, shape = (kind(1), "%d") if kind is int else (kind(fine), shape)
    shape = f"{shape} {unit}".rstrip()
    return st.slider(
        label, min_value=low, max_value=high, value=given, step=step, format=shape, **options
    )
