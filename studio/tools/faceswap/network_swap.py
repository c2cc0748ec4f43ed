"""Face swap by a network: aligned crop in, the same crop with another identity out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studio.faces.aligned_crop import AlignedCrop, box_mask, cut_aligned, paste
from studio.faces.face import Face, eye_distance_px
from studio.imaging.picture import Pixels
from studio.models.contracts import FaceSwapContract
from studio.models.embedding import cross_bridge, unit
from studio.models.face_occlusion import uncovered
from studio.models.face_swap import boosted_size_px, swap_crop
from studio.models.guard import require_contract
from studio.models.runtime import Floats
from studio.params import FaceswapParams
from studio.report import Report
from studio.tools.choice import chosen_model
from studio.tools.faceswap.colour import to_lab
from studio.tools.faceswap.cover import find_cover
from studio.tools.faceswap.mask import INNER, skin_likeness
from studio.tools.faceswap.polygons import polygon, shrink, soften
from studio.tools.faceswap.portrait import Portrait
from studio.tools.faceswap.recognise import embedding_of
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

_OCCLUSION_NETWORK = "xseg-3"


class NetworkSwapper:
    """One face swap network for all faces of a run; each source is recognised once."""

    def __init__(self, params: FaceswapParams, models: ModelCache, report: Report) -> None:
        """Open the network.

        Raises:
            UserInputError: ``model.other_tool``.
            ModelUnavailableError: it or a network it needs is not installed.

        """
        self._params = params
        self._models = models
        self._report = report
        spec = chosen_model(models, params.model, "faceswap", "face-swap")
        self._model = models.open(spec.id, report)
        self._contract = require_contract(self._model.spec, FaceSwapContract)
        self._size_px = boosted_size_px(self._contract, params.pixel_boost_px)
        if self._size_px != params.pixel_boost_px:
            report.note(
                msg(
                    "{title} worked at {size} px, a multiple of its own size.",
                    title=spec.title,
                    size=self._size_px,
                )
            )
        self._identities: dict[int, Floats] = {}

    def __call__(self, pixels: Pixels, target: Portrait, source: Portrait) -> Pixels:
        """``pixels``, RGB ``uint8 (H, W, 3)``, with the target's face replaced."""
        crop = cut_aligned(pixels, target.face, self._contract.alignment, self._size_px)
        swapped = swap_crop(self._model, crop.pixels, self._identity(source))
        mask = box_mask(self._size_px, self._params.mask_blur, self._params.mask_padding)
        if swapped.changed is not None:
            mask = np.minimum(mask, swapped.changed)
        if self._params.occlusion:
            mask = np.minimum(mask, self._uncovered(crop, target.face))
        return paste(pixels, crop, swapped.pixels, mask)

    def _identity(self, source: Portrait) -> Floats:
        """The source's embedding as the network wants it."""
        known = self._identities.get(id(source))
        if known is not None:
            return known
        embedding = embedding_of(source, self._models, self._report)
        if self._contract.bridge is not None:
            bridge = self._models.open(self._contract.bridge, self._report)
            embedding = cross_bridge(bridge, embedding)
        if self._contract.is_unit:
            embedding = unit(embedding)
        self._identities[id(source)] = embedding
        return embedding

    def _uncovered(self, crop: AlignedCrop, target: Face) -> Floats:
        """Where nothing hangs over the target's face, ``float32 (S, S)``."""
        if self._models.is_installed(_OCCLUSION_NETWORK):
            network = self._models.open(_OCCLUSION_NETWORK, self._report)
            return _firm(uncovered(network, crop.pixels))
        moved = target.mesh[:, :2] @ crop.affine[:, :2].T + crop.affine[:, 2]
        mesh = moved.astype(np.float32)
        eyes_px = eye_distance_px(mesh)
        lab = to_lab(crop.pixels.astype(np.float32))
        inner = polygon((self._size_px, self._size_px), mesh[list(INNER)], 0.05 * eyes_px)
        face = np.maximum(skin_likeness(lab, mesh), inner)
        return soften(shrink(face, 0.02 * eyes_px), 0.03 * eyes_px) * (1 - find_cover(lab, mesh))


def _firm(mask: Floats) -> Floats:
    """Soften, then drop the outer half of the softness (FaceFusion)."""
    return np.asarray((np.clip(soften(mask, 5.0), 0.5, 1) - 0.5) * 2, np.float32)
