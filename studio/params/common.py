"""What all parameter models share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)


def _says_how_to_write_a_colour(value: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - input
    """Pydantic's own sentence would show the pattern."""
    try:
        return check(value)
    except ValidationError as error:
        raise ValueError("Write a colour as #rrggbb, such as #2a9d8f") from error


HexColour = Annotated[
    str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), WrapValidator(_says_how_to_write_a_colour)
]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class ImageFormat(StrEnum):
    """File formats the studio writes."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class ToolParams(BaseModel):
    """What all tools share: the form of the encoded result.

    ``METHOD_FIELD`` names the field that says what does the work: a model of the catalogue
    or a built-in method. Runs are timed, listed and estimated by its value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    METHOD_FIELD: ClassVar[str] = "model"

    tool: str
    format: ImageFormat = Field(default=ImageFormat.PNG, title="Format")
    quality: int = Field(
        default=90,
        ge=1,
        le=100,
        title="Quality",
        description="For JPEG and WebP; 100 makes WebP lossless.",
    )

    @property
    def method(self) -> str:
        """What does the work: a model of the catalogue or a built-in method."""
        return str(getattr(self, self.METHOD_FIELD))
