"""Parameters of the cartoon tool."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

from studio.params.common import Choice, MadeFor, NetworkName, Seed, ToolParams
from studio.params.looks import ALL_LOOKS, Look
from studio.params.sheet import SheetLayout
from studio.params.sizes import fit_long_side, megapixels
from studio.words import N_, msg


class CartoonRegion(Choice):
    """What part of the picture is drawn."""

    PICTURE = "picture", N_("Whole picture")
    SUBJECT = "subject", N_("Subject")
    BACKGROUND = "background", N_("Background")


class CartoonParams(ToolParams):
    """A drawn version of a photograph.

    ``strength``, ``region``, ``format`` and ``quality`` re-use a stored full render.
    """

    METHOD_FIELD: ClassVar[str] = "look"
    MAIN_FIELDS: ClassVar[tuple[str, ...]] = ("strength", "region")

    tool: Literal["cartoon"] = "cartoon"
    look: Annotated[NetworkName, MadeFor("cartoon")] = Field(
        default=Look.ANIME,
        title=N_("Look"),
        description=N_("A built-in look, “all” for a contact sheet of them, or a cartoon model."),
    )
    strength: float = Field(
        default=0.65,
        ge=0.1,
        le=1.0,
        title=N_("Strength"),
        description=N_("How far the picture moves from the photograph to the drawing."),
    )
    long_side_px: Literal[512, 1024, 2048] | None = Field(
        default=1024,
        title=N_("Long side"),
        description=N_(
            "Of the result, also where the photograph is smaller; not set (null) keeps "
            "its size. On the contact sheet each picture has half of it, and 256 to 1024 px."
        ),
    )
    region: CartoonRegion = Field(default=CartoonRegion.PICTURE, title=N_("What to draw"))
    seed: Seed = Field(default=0, title=N_("Seed"), description=N_("Of paper grain and wobble."))

    @field_validator("long_side_px", mode="wrap")
    @classmethod
    def _names_every_choice(cls, value: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - input
        """Pydantic's own sentence leaves out that null may be given."""
        try:
            return check(value)
        except ValidationError as error:
            raise ValueError(
                msg("choose 512, 1024 or 2048, or null for the photograph's size")
            ) from error

    def needs_network(self, roles: Collection[str]) -> bool:
        """A stored drawing spares it; a part of the picture needs the subject's outline too."""
        parts = {"render"} if self.region is CartoonRegion.PICTURE else {"render", "alpha"}
        return not parts <= set(roles)

    def output_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The long side that was asked for, or the whole contact sheet."""
        if self.look == ALL_LOOKS:
            return SheetLayout.of(width_px, height_px, self.long_side_px).size
        return fit_long_side(width_px, height_px, self.long_side_px)

    def worked_megapixels(self, width_px: int, height_px: int) -> float:
        """Those of the drawing, whose size is its own."""
        return megapixels(*self.output_size(width_px, height_px))
