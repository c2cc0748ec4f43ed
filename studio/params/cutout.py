"""Parameters of the cutout tool."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from studio.errors import UserInputError
from studio.params.common import (
    Choice,
    HexColour,
    ImageFormat,
    MadeFor,
    NetworkName,
    ToolParams,
    meaningless,
)
from studio.words import N_, Message, msg

_OF_MATTING = ("foreground_threshold", "background_threshold", "erode_size_px")
_OF_SHADOW = ("shadow_x_px", "shadow_y_px", "shadow_blur_px", "shadow_opacity", "shadow_colour")


class CutoutOutput(Choice):
    """What a cutout puts behind the subject."""

    TRANSPARENT = "transparent", N_("Transparent")
    MASK = "mask", N_("Mask only")
    COLOUR = "colour", N_("Colour")
    BLUR = "blur", N_("Blurred original")
    PICTURE = "picture", N_("Own picture")


class CutoutParams(ToolParams):
    """Background removal: which network finds the subject, and how its edge is finished.

    Only ``model`` needs a network; every other field re-uses a stored alpha.
    """

    MAIN_FIELDS: ClassVar[tuple[str, ...]] = ("output",)

    tool: Literal["cutout"] = "cutout"
    model: Annotated[NetworkName, MadeFor("matting")] = Field(default="isnet", title=N_("Model"))
    output: CutoutOutput = Field(default=CutoutOutput.TRANSPARENT, title=N_("Background"))
    colour: HexColour = Field(
        default="#ffffff", title=N_("Colour"), description=N_("Background when output is colour.")
    )
    blur_px: float = Field(
        default=12,
        ge=1,
        le=100,
        title=N_("Blur"),
        description=N_("Gaussian sigma in source pixels when output is blur."),
    )
    feather_px: float = Field(
        default=0,
        ge=0,
        le=50,
        title=N_("Feather"),
        description=N_("Softens the edge of the alpha."),
    )
    shift_px: float = Field(
        default=0,
        ge=-20,
        le=20,
        title=N_("Shift"),
        description=N_("Moves the edge outwards (positive) or inwards (negative)."),
    )
    despill: bool = Field(
        default=True,
        title=N_("Despill"),
        description=N_(
            "Gives soft edges the subject's own colour instead of the old background's."
        ),
    )
    keep_largest: bool = Field(
        default=False,
        title=N_("Keep largest object"),
        description=N_("Drops separate smaller objects."),
    )
    matting: bool = Field(
        default=False,
        title=N_("Fine hair"),
        description=N_(
            "Works the edge out from the colours on both sides of it (closed-form alpha "
            "matting). For hair, fur and fringes; takes a few seconds more."
        ),
    )
    foreground_threshold: int = Field(
        default=240,
        ge=1,
        le=255,
        title=N_("Foreground threshold"),
        description=N_("Fine hair: where the alpha is above this, the subject is certain."),
    )
    background_threshold: int = Field(
        default=10,
        ge=0,
        le=254,
        title=N_("Background threshold"),
        description=N_("Fine hair: where the alpha is below this, the background is certain."),
    )
    erode_size_px: int = Field(
        default=10,
        ge=0,
        le=100,
        title=N_("Erode size"),
        description=N_(
            "Fine hair: side of the square by which both certain areas shrink; more "
            "looks for hair further out. Parts of 9 px or less (13 on the slant), if it is 10 or "
            "more, are all edge; those of 19 px (27 on the slant) or more keep half of their width."
        ),
    )
    shadow: bool = Field(
        default=False,
        title=N_("Drop shadow"),
        description=N_("The subject, with its outline, drops a soft shadow."),
    )
    shadow_x_px: int = Field(
        default=12,
        ge=-500,
        le=500,
        title=N_("Shadow to the right"),
        description=N_("How far the shadow lies to the right; negative is to the left."),
    )
    shadow_y_px: int = Field(
        default=16,
        ge=-500,
        le=500,
        title=N_("Shadow downwards"),
        description=N_("How far the shadow lies below; negative is above."),
    )
    shadow_blur_px: float = Field(
        default=14,
        ge=0,
        le=200,
        title=N_("Shadow blur"),
        description=N_("Gaussian sigma that softens the shadow."),
    )
    shadow_opacity: float = Field(
        default=0.45, ge=0, le=1, title=N_("Shadow opacity"), description=N_("1 is solid.")
    )
    shadow_colour: HexColour = Field(
        default="#000000", title=N_("Shadow colour"), description=N_("Colour of the drop shadow.")
    )
    outline_px: float = Field(
        default=0,
        ge=0,
        le=100,
        title=N_("Outline"),
        description=N_("Width of an even outline round the subject, as a sticker has; 0 for none."),
    )
    outline_colour: HexColour = Field(
        default="#ffffff", title=N_("Outline colour"), description=N_("Colour of the outline.")
    )
    crop: bool = Field(
        default=False,
        title=N_("Crop to subject"),
        description=N_(
            "Cuts to the subject with its shadow and outline. Without a picture behind "
            "it, these may go on beyond the borders of the original."
        ),
    )
    crop_margin_px: int = Field(default=16, ge=0, le=2000, title=N_("Crop margin"))

    @model_validator(mode="after")
    def _transparency_needs_a_format_with_alpha(self) -> CutoutParams:
        if self.output is CutoutOutput.TRANSPARENT and self.format is ImageFormat.JPEG:
            raise ValueError(msg("JPEG cannot be transparent; choose PNG or WebP"))
        return self

    @model_validator(mode="after")
    def _thresholds_leave_a_band(self) -> CutoutParams:
        if self.background_threshold >= self.foreground_threshold:
            raise ValueError(msg("the background threshold must be below the foreground threshold"))
        return self

    def needs_network(self, roles: Collection[str]) -> bool:
        """A stored alpha spares it."""
        return "alpha" not in roles

    def lacks(self, roles: Collection[str]) -> UserInputError | None:
        """The picture behind the subject, where that is what was chosen."""
        if self.output is not CutoutOutput.PICTURE or "background" in roles:
            return None
        return UserInputError(
            msg("No picture was given for the background"),
            remedy=msg("Add one, or choose another background."),
            code="cutout.background_missing",
        )

    def without_effect(self) -> dict[str, Message]:
        """What belongs to another background, or to what was not switched on."""
        is_mask = self.output is CutoutOutput.MASK
        chosen = msg("the background chosen is {output}", output=self.output)
        alone = msg("a mask shows the subject alone")
        return super().without_effect() | meaningless(
            [
                (self.output is not CutoutOutput.COLOUR, chosen, "colour"),
                (self.output is not CutoutOutput.BLUR, chosen, "blur_px"),
                (not self.matting, msg("fine hair was not chosen"), *_OF_MATTING),
                (not self.shadow, msg("no drop shadow was chosen"), *_OF_SHADOW),
                (not self.outline_px, msg("no outline was chosen"), "outline_colour"),
                (not self.crop, msg("no crop was chosen"), "crop_margin_px"),
                (is_mask, msg("a mask has no colours"), "despill"),
                (is_mask, alone, "shadow", *_OF_SHADOW, "outline_px", "outline_colour"),
            ]
        )
