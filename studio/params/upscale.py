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
    scale: Literal[2, 3, 4] = Field(default=2, title="Scale")
    target_width_px: int | None = Field(
        default=None,
        ge=1,
        le=30_000,
        title="Target width px",
        description="When set, used instead of scale.",
    )
