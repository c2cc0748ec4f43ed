"""Parameters of the face swap tool, and of the search for faces that goes before it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from studio.errors import UserInputError
from studio.params.common import Choice, MadeFor, NetworkName, ToolParams, meaningless
from studio.params.upgrades import Upgrade, renamed
from studio.words import N_, Message, msg

Number = Annotated[int, Field(ge=1)]
PerCent = Annotated[int, Field(ge=0, le=100)]

_OF_NETWORKS = ("mask_blur", "mask_padding", "pixel_boost_px")
MESH = "mesh"
"""The face swap that is no network: the source's skin warped onto the target's face mesh."""


class FaceChoice(Choice):
    """Which faces of the target are replaced when ``faces`` does not say."""

    LARGEST = "largest", N_("Largest")
    LEFT_TO_RIGHT = "left-to-right", N_("Left to right")
    ALL = "all", N_("All")
    LIKENESS = "likeness", N_("By likeness")


class FacesParams(ToolParams):
    """The search for faces: no choices, so that one search serves everybody."""

    tool: Literal["faces"] = "faces"
    model: Literal["blazeface"] = "blazeface"


class FaceswapParams(ToolParams):
    """Replacement of faces. Faces are numbered from 1, left to right, and sources as given."""

    UPGRADES: ClassVar[tuple[Upgrade, ...]] = (
        renamed(
            {
                "enhancer": "restore_model",
                "enhancer_blend": "restore_blend",
                "enhancer_fidelity": "restore_fidelity",
            }
        ),
    )
    MAIN_FIELDS: ClassVar[tuple[str, ...]] = ("choice", "faces", "likeness")

    tool: Literal["faceswap"] = "faceswap"
    model: Annotated[NetworkName, MadeFor("face-swap")] = Field(
        default=MESH,
        title=N_("Model"),
        description=N_("“mesh”, or a face swap model of the catalogue."),
    )
    choice: FaceChoice = Field(
        default=FaceChoice.LARGEST,
        title=N_("Which faces"),
        description=N_(
            "Largest source onto largest face; one source each from left to right; the "
            "first source onto all; or onto those that look like the reference."
        ),
    )
    faces: tuple[Number | None, ...] | None = Field(
        default=None,
        max_length=64,
        title=N_("Face by face"),
        description=N_(
            "For each face of the target, left to right, the number of its source or "
            "null to leave it alone, as [1, null, 2]. When set, used instead of the choice."
        ),
    )
    likeness: float = Field(
        default=0.4,
        ge=0.0,
        le=1.0,
        title=N_("Likeness"),
        description=N_("How alike a face and the reference must be, 1 the same."),
    )
    shape: float = Field(
        default=0.35,
        ge=0.0,
        le=1.0,
        title=N_("Shape"),
        description=N_("How far the mesh swap takes over the source's proportions."),
    )
    occlusion: bool = Field(
        default=True,
        title=N_("Keep what covers the face"),
        description=N_("Hair, hands and glasses in front of the face stay."),
    )
    mask_blur: float = Field(
        default=0.3,
        ge=0.0,
        le=1.0,
        title=N_("Mask blur"),
        description=N_("Softness of the box mask of network swaps, as a part of its side."),
    )
    mask_padding: tuple[PerCent, PerCent, PerCent, PerCent] = Field(
        default=(0, 0, 0, 0),
        title=N_("Mask padding"),
        description=N_("Per cent of the box left out at the top, right, bottom and left."),
    )
    pixel_boost_px: Literal[128, 256, 384, 512, 768, 1024] = Field(
        default=256,
        title=N_("Pixel boost"),
        description=N_(
            "Side at which a network swap works, at least the network's own; more is "
            "sharper and slower."
        ),
    )
    restore_model: Annotated[NetworkName | None, MadeFor("face-restoration")] = Field(
        default=None,
        title=N_("Face restoration"),
        description=N_("A face restoration model that finishes each swapped face."),
    )
    restore_blend: float = Field(
        default=0.8,
        ge=0.0,
        le=1.0,
        title=N_("Restoration blend"),
        description=N_("0 leaves faces as the swap made them, 1 takes the finished ones."),
    )
    restore_fidelity: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        title=N_("Restoration fidelity"),
        description=N_("For CodeFormer: 1 stays closest to the face as it was."),
    )

    def in_words(self, name: str) -> Message | None:
        """Of faces with their sources, those that are replaced."""
        if name != "faces" or self.faces is None:
            return None
        pairs = tuple(
            msg("face {face}: source {source}", face=face, source=source)
            for face, source in enumerate(self.faces, 1)
            if source is not None
        )
        return msg("{pairs}", pairs=pairs) if pairs else msg("none")

    @property
    def is_by_likeness(self) -> bool:
        """Whether faces are chosen by how alike they and the reference are."""
        return self.faces is None and self.choice is FaceChoice.LIKENESS

    def lacks(self, roles: Collection[str]) -> UserInputError | None:
        """The reference, where faces are chosen by likeness to it."""
        if not self.is_by_likeness or "reference" in roles:
            return None
        return UserInputError(
            msg("Faces are chosen by likeness, and there is no reference to be like"),
            remedy=msg("Add a picture of the person as the reference, or choose otherwise."),
            code="faceswap.reference_missing",
        )

    def without_effect(self) -> dict[str, Message]:
        """What belongs to other models or ways to choose faces, or to a restoration."""
        is_mesh, other = self.model == MESH, msg("{model} has no such setting", model=self.model)
        return super().without_effect() | meaningless(
            [
                (is_mesh, msg("the mesh swap has no such setting"), *_OF_NETWORKS),
                (not is_mesh, other, "shape"),
                (self.faces is not None, msg("faces were chosen one by one"), "choice"),
                (not self.is_by_likeness, msg("faces were not chosen by likeness"), "likeness"),
                (
                    self.restore_model is None,
                    msg("no face restoration was chosen"),
                    "restore_blend",
                    "restore_fidelity",
                ),
            ]
        )
