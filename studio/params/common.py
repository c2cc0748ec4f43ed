"""What all parameter models share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from studio.errors import UserInputError
from studio.params.sizes import megapixels
from studio.params.upgrades import Upgrade
from studio.text import fault_of
from studio.words import N_, Message, msg

_MAX_TEXT_CHARS = 1000
_MAX_NETWORK_CHARS = 64


def _says_how_to_write_a_colour(value: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - input
    """Pydantic's own sentence would show the pattern."""
    try:
        return check(value)
    except ValidationError as error:
        raise ValueError(msg("write a colour as #rrggbb, such as #2a9d8f")) from error


HexColour = Annotated[
    str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), WrapValidator(_says_how_to_write_a_colour)
]


def _is_a_network_name(value: str) -> str:
    fault = fault_of(value, _MAX_NETWORK_CHARS)
    if fault is not None:
        raise ValueError(fault)
    return value


NetworkName = Annotated[str, AfterValidator(_is_a_network_name)]
"""A model of the catalogue, or a method that is built in."""


@dataclass(frozen=True, slots=True)
class MadeFor:
    """Marks a parameter that names a network: the task that such a model must be made for."""

    task: str


Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Choice(StrEnum):
    """Values of a parameter, each with the words that people read in its place.

    Members are written ``NAME = "value", "Words"``; without words the value stands for itself.
    """

    _value_: str
    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """A member that is its value, as of any ``StrEnum``."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value
        return member


class ImageFormat(Choice):
    """File formats the studio writes."""

    PNG = "png", "PNG"
    JPEG = "jpeg", "JPEG"
    WEBP = "webp", "WebP"


def unit_of(name: str) -> str:
    """What the field ``name`` is counted in, as its last word says; empty for plain numbers."""
    return "px" if name.endswith("_px") else ""


def meaningless(rules: Iterable[tuple[bool, Message, *tuple[str, ...]]]) -> dict[str, Message]:
    """By field why it has no effect; a rule is whether it holds, the reason, and the fields."""
    return {name: because for holds, because, *names in rules if holds for name in names}


class ToolParams(BaseModel):
    """What all tools share: the form of the encoded result.

    ``METHOD_FIELD`` names the field that says what does the work: a model of the catalogue
    or a built-in method. Runs are timed, listed and estimated by its value.

    ``MAIN_FIELDS`` name what else decides the result before all the rest, the most telling first.

    ``UPGRADES`` lead from each version of the fields to the next. Adding, removing or renaming
    a field, or giving a value another meaning, takes a further step.
    """

    # NaN passes every bound, and is no JSON, so that no row could keep it.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    METHOD_FIELD: ClassVar[str] = "model"
    MAIN_FIELDS: ClassVar[tuple[str, ...]] = ()
    UPGRADES: ClassVar[tuple[Upgrade, ...]] = ()

    tool: str
    format: ImageFormat = Field(default=ImageFormat.PNG, title=N_("Format"))
    quality: int = Field(
        default=90,
        ge=1,
        le=100,
        title=N_("Quality"),
        description=N_("For JPEG and WebP; 100 makes WebP lossless."),
    )

    @field_validator("*")
    @classmethod
    def _is_a_line(cls, value: object) -> object:
        """Every text of every tool, those of tools to come too: short, and such as can be shown."""
        fault = fault_of(value, _MAX_TEXT_CHARS) if isinstance(value, str) else None
        if fault is not None:
            raise ValueError(fault)
        return value

    @classmethod
    def version(cls) -> int:
        """Which version of the fields this is; rows keep it with the values."""
        return len(cls.UPGRADES) + 1

    @property
    def method(self) -> str:
        """What does the work; the tool's own name where there is nothing to choose."""
        return str(getattr(self, self.METHOD_FIELD, self.tool))

    def networks(self) -> Sequence[tuple[str, str]]:
        """What is named as a network, with the task that it must be made for."""
        return [
            (value, mark.task)
            for name, field in type(self).model_fields.items()
            for mark in field.metadata
            if isinstance(mark, MadeFor) and (value := getattr(self, name)) is not None
        ]

    def needs_network(self, roles: Collection[str]) -> bool:
        """Whether a run with inputs in ``roles`` may open a network; tools that need none say so.

        Runs that need none are queued apart from the others, so that they overtake.
        """
        return True

    def lacks(self, roles: Collection[str]) -> UserInputError | None:
        """Why nothing can come of a run with inputs in ``roles``; None when something can.

        What every run needs is told by the tool's roles; this, by what else is chosen. Every door
        asks before it takes a run.
        """
        return None

    def in_words(self, name: str) -> Message | None:
        """What the value of the field ``name`` means, where that takes words; mostly None."""
        return None

    def without_effect(self) -> dict[str, Message]:
        """Fields that the others make meaningless, each with why, as in "no crop was chosen".

        Records of a run leave them out, and its notes tell of those that were set.
        """
        return meaningless([(self.format is ImageFormat.PNG, msg("PNG loses nothing"), "quality")])

    def output_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height of the result for a picture of this size, before any crop.

        Raises:
            UserInputError: no result of such a picture is possible.

        """
        return width_px, height_px

    def remedy_for_size(self) -> Message:
        """What to do when the result would be too large; tools name their own options."""
        return msg("Take a smaller picture, or options that give a smaller result.")

    def worked_megapixels(self, width_px: int, height_px: int) -> float:
        """What a run's seconds go with, for a picture of this size."""
        return megapixels(width_px, height_px)
