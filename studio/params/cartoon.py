"""Parameters of the cartoon tool."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from studio.params.common import Seed, ToolParams


class Look(StrEnum):
    """Looks that need no downloaded network of their own."""

    ANIME = "anime"
    COMIC = "comic"
    THREE_D = "3d"
    HANDDRAWN = "handdrawn"
    SKETCH = "sketch"


ALL_LOOKS = "all"
"""The look that is a contact sheet of every built-in one."""


class CartoonRegion(StrEnum):
    """What part of the picture is drawn."""

    PICTURE = "picture"
    SUBJECT = "subject"
    BACKGROUND = "background"


class CartoonParams(ToolParams):
    """A drawn version of a photograph.

    ``strength``, ``region``, ``format`` and ``quality`` re-use a stored full render.
    """

    METHOD_FIELD: ClassVar[str] = "look"

    tool: Literal["cartoon"] = "cartoon"
    look: str = Field(
        default=Look.ANIME,
        title="Look",
        description="A built-in look, “all” for a contact sheet of them, or a cartoon model.",
    )
    strength: float = Field(
        default=0.65,
        ge=0.1,
        le=1.0,
        title="Strength",
        description="How far the picture moves from the photograph to the drawing.",
    )
    long_side_px: Literal[512, 1024, 2048] | None = Field(
        default=1024,
        title="Long side px",
        description="Of the result, also where the photograph is smaller; not set (null) keeps "
        "its size. On the contact sheet each picture has half of it.",
    )
    region: CartoonRegion = Field(default=CartoonRegion.PICTURE, title="What to draw")
    seed: Seed = Field(default=0, title="Seed", description="Of paper grain and wobble.")

    @field_validator("long_side_px", mode="wrap")
    @classmethod
    def _names_every_choice(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - input
        """Pydantic's own sentence leaves out that null may be given."""
        try:
            return check(value)
        except ValidationError as error:
            raise ValueError(
                "Choose 512, 1024 or 2048, or null for the photograph's size"
            ) from error
