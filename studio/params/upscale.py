"""Parameters of the upscale tool."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from studio.params.common import ToolParams

INTERPOLATION = "interpolation"
"""The upscale model that is no network and needs no weights: classic interpolation."""


class UpscaleParams(ToolParams):
    """Enlargement by a whole factor or to a target width."""

    tool: Literal["upscale"] = "upscale"
    model: str = Field(default="realesr-animevideov3", title="Model")
    scale: Literal[2, 3, 4, 8] = Field(
        default=2,
        title="Scale",
        description="Beyond what the network enlarges by, interpolation does the rest.",
    )
    target_width_px: int | None = Field(
        default=None,
        ge=1,
        le=30_000,
        title="Target width px",
        description="When set, used instead of scale.",
    )
    denoise: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title="Denoise",
        description="For the general Real-ESRGAN model: 0 keeps noise and grain, 1 removes most.",
    )
    restore_faces: str | None = Field(
        default=None,
        title="Face restoration",
        description="A face restoration model that redraws each face of the enlarged picture.",
    )
    restore_blend: float = Field(
        default=0.8,
        ge=0.0,
        le=1.0,
        title="Restoration blend",
        description="0 leaves faces as the enlargement made them, 1 takes the redrawn ones.",
    )
    restore_fidelity: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title="Restoration fidelity",
        description="For CodeFormer: 1 stays closest to the face as it was.",
    )
