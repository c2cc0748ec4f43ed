"""Parameters of the upscale tool."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from studio.errors import UserInputError
from studio.params.common import MadeFor, NetworkName, ToolParams, meaningless
from studio.params.sizes import SLIGHT_RATIO
from studio.params.upgrades import Upgrade, renamed
from studio.words import N_, Message, msg

INTERPOLATION = "interpolation"
"""The upscale model that is no network and needs no weights: Lanczos interpolation."""
NEAREST = "nearest"
"""The one that repeats pixels, so that pixel art keeps its colours and corners."""
INTERPOLATIONS = (INTERPOLATION, NEAREST)
"""Both: what enlarges without a network."""


class UpscaleParams(ToolParams):
    """Enlargement by a whole factor or to a target width."""

    UPGRADES: ClassVar[tuple[Upgrade, ...]] = (renamed({"restore_faces": "restore_model"}),)
    MAIN_FIELDS: ClassVar[tuple[str, ...]] = ("scale", "target_width_px")

    tool: Literal["upscale"] = "upscale"
    model: Annotated[NetworkName, MadeFor("super-resolution")] = Field(
        default="realesr-animevideov3", title=N_("Model")
    )
    scale: Literal[2, 3, 4, 8] = Field(
        default=2,
        title=N_("Scale"),
        description=N_("Beyond what the network enlarges by, interpolation does the rest."),
    )
    target_width_px: int | None = Field(
        default=None,
        ge=1,
        le=30_000,
        title=N_("Target width"),
        description=N_("When set, used instead of scale."),
    )
    denoise: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title=N_("Denoise"),
        description=N_(
            "For the general Real-ESRGAN model: 0 keeps noise and grain, 1 removes most."
        ),
    )
    restore_model: Annotated[NetworkName | None, MadeFor("face-restoration")] = Field(
        default=None,
        title=N_("Face restoration"),
        description=N_("A face restoration model that redraws each face of the enlarged picture."),
    )
    restore_blend: float = Field(
        default=0.8,
        ge=0.0,
        le=1.0,
        title=N_("Restoration blend"),
        description=N_("0 leaves faces as the enlargement made them, 1 takes the redrawn ones."),
    )
    restore_fidelity: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title=N_("Restoration fidelity"),
        description=N_("For CodeFormer: 1 stays closest to the face as it was."),
    )

    def needs_network(self, roles: Collection[str]) -> bool:
        """Plain interpolation does without, unless faces are redrawn afterwards."""
        return self.model not in INTERPOLATIONS or self.restore_model is not None

    def is_slight(self, width_px: int) -> bool:
        """Whether a picture this wide grows so little that interpolation replaces the network."""
        target_px = self.target_width_px
        is_little = target_px is not None and target_px <= SLIGHT_RATIO * width_px
        return is_little and self.model not in INTERPOLATIONS

    def without_effect(self) -> dict[str, Message]:
        """The scale where a width is set, and what belongs to a restoration or a network."""
        plain = msg("{model} has no such setting", model=self.model)
        return super().without_effect() | meaningless(
            [
                (
                    self.target_width_px is not None,
                    msg("the target width goes before it"),
                    "scale",
                ),
                (self.model in INTERPOLATIONS, plain, "denoise"),
                (
                    self.restore_model is None,
                    msg("no face restoration was chosen"),
                    "restore_blend",
                    "restore_fidelity",
                ),
            ]
        )

    def output_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """As the scale or the target width says.

        Raises:
            UserInputError: ``upscale.not_larger`` when the target is no enlargement.

        """
        target_px = self.target_width_px
        if target_px is None:
            return width_px * self.scale, height_px * self.scale
        if target_px <= width_px:
            raise UserInputError(
                msg(
                    "A target width of {target} px does not enlarge a picture {width} px wide",
                    target=target_px,
                    width=width_px,
                ),
                remedy=msg("Choose more than {width} px, or a scale.", width=width_px),
                code="upscale.not_larger",
            )
        return target_px, max(round(height_px * target_px / width_px), 1)

    def remedy_for_size(self) -> Message:
        """Both options that enlarge."""
        return msg("Choose a smaller scale or target width.")
