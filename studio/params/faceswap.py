"""Parameters of the face swap tool, and of the search for faces that goes before it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from studio.params.common import ToolParams

Number = Annotated[int, Field(ge=1)]
PerCent = Annotated[int, Field(ge=0, le=100)]

MESH = "mesh"
"""The face swap that is no network: the source's skin warped onto the target's face mesh."""


class FaceChoice(StrEnum):
    """Which faces of the target are replaced when ``faces`` does not say."""

    LARGEST = "largest"
    LEFT_TO_RIGHT = "left-to-right"
    ALL = "all"
    LIKENESS = "likeness"


class FacesParams(ToolParams):
    """The search for faces: no choices, so that one search serves everybody."""

    tool: Literal["faces"] = "faces"
    model: Literal["blazeface"] = "blazeface"


class FaceswapParams(ToolParams):
    """Replacement of faces. Faces are numbered from 1, left to right, and sources as given."""

    tool: Literal["faceswap"] = "faceswap"
    model: str = Field(
        default=MESH, title="Model", description="“mesh”, or a face swap model of the catalogue."
    )
    choice: FaceChoice = Field(
        default=FaceChoice.LARGEST,
        title="Which faces",
        description="Largest source onto largest face; one source each from left to right; the "
        "first source onto all; or onto those that look like the reference.",
    )
    faces: tuple[Number | None, ...] | None = Field(
        default=None,
        max_length=64,
        title="Face by face",
        description="For each face of the target, left to right, the number of its source or "
        "null to leave it alone, as [1, null, 2]. When set, used instead of the choice.",
    )
    likeness: float = Field(
        default=0.4,
        ge=0.0,
        le=1.0,
        title="Likeness",
        description="How alike a face and the reference must be, 1 the same.",
    )
    shape: float = Field(
        default=0.35,
        ge=0.0,
        le=1.0,
        title="Shape",
        description="How far the mesh swap takes over the source's proportions.",
    )
    occlusion: bool = Field(
        default=True,
        title="Keep what covers the face",
        description="Hair, hands and glasses in front of the face stay.",
    )
    mask_blur: float = Field(
        default=0.3,
        ge=0.0,
        le=1.0,
        title="Mask blur",
        description="Softness of the box mask of network swaps, as a part of its side.",
    )
    mask_padding: tuple[PerCent, PerCent, PerCent, PerCent] = Field(
        default=(0, 0, 0, 0),
        title="Mask padding",
        description="Per cent of the box left out at the top, right, bottom and left.",
    )
    pixel_boost_px: Literal[128, 256, 384, 512, 768, 1024] = Field(
        default=256,
        title="Pixel boost px",
        description="Side at which a network swap works, at least the network's own; more is "
        "sharper and slower.",
    )
    enhancer: str | None = Field(
        default=None,
        title="Face restoration",
        description="A face restoration model that finishes each swapped face.",
    )
    enhancer_blend: float = Field(default=0.8, ge=0.0, le=1.0, title="Restoration blend")
    enhancer_fidelity: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title="Fidelity",
        description="For models that ask: 1 stays closest to the face as it was.",
    )
