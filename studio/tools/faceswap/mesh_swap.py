"""Face swap without a network: one face's skin warped onto another's mesh, relit and blended."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.faces.face import Face, Points
from studio.faces.topology import OVAL
from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.tools.faceswap.blend import blend_bands, levels_for
from studio.tools.faceswap.colour import match_colour, to_lab, to_rgb
from studio.tools.faceswap.cover import find_cover
from studio.tools.faceswap.features import (
    Expression,
    around_glasses,
    is_kept_around_eyes,
    kept_features,
)
from studio.tools.faceswap.mask import (
    FaceAreas,
    below_forehead,
    face_areas,
    free_of_hair,
    skin_likeness,
    swap_mask,
)
from studio.tools.faceswap.patch import Patch, apply_change, apply_detail, cut_patch, reduce
from studio.tools.faceswap.polygons import polygon, soften
from studio.tools.faceswap.portrait import Portrait
from studio.tools.faceswap.shape import fits_better_mirrored, settle_shape
from studio.tools.faceswap.sharpness import match_sharpness
from studio.tools.faceswap.warp import FaceWarp, fit_warp

_SOURCE_MARGIN = 1.15
"""The source is shrunk to this much of the target's size before it is warped."""
_LEAK = 0.04
"""How far beyond the outline coarse bands may reach, as a part of the eye distance."""


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """A source ready to be warped: only its face, turned the way the target is."""

    pixels: Pixels
    expression: Expression

    @property
    def mesh(self) -> Points:
        return self.expression.mesh

    def reduced(self, most_eyes_px: float) -> _Source:
        pixels, mesh = reduce(self.pixels, self.mesh, most_eyes_px)
        return _Source(pixels, self.expression.at(mesh))


def swap_by_mesh(
    pixels: Pixels, target: Portrait, source: Portrait, *, shape: float, occlusion: bool
) -> Pixels:
    """``pixels`` with the target's face replaced by the source's.

    Args:
        pixels: RGB ``uint8 (H, W, 3)``, with what was swapped before; not changed.
        target: a face of ``pixels``, as it was before any swap.
        source: whose face it becomes.
        shape: how far the source's proportions are taken over, 0 to 1.
        occlusion: whether what stands before the target's face stays, and the forehead; glasses
            stay with the eyes behind them. What stands before the source's face is never taken.

    Returns:
        RGB ``uint8 (H, W, 3)``, byte-identical away from the face.

    """
    patch = cut_patch(pixels, target.face.mesh)
    whole = _turned_like(source, target.face)
    small = whole.reduced(_SOURCE_MARGIN * patch.eyes_px)
    moved = settle_shape(small.mesh, patch.mesh, shape)
    warp = fit_warp(small.mesh[:, :2], moved, patch.mesh[:, 2], patch.size)
    warped = warp.sample(small.pixels)
    source_lab, target_lab = (to_lab(part.astype(np.float32)) for part in (warped, patch.pixels))
    own_skin = skin_likeness(source_lab, moved)
    target_skin = skin_likeness(target_lab, patch.mesh)
    skin = np.minimum(own_skin, target_skin) if occlusion else own_skin
    kept = target.cover if occlusion else np.zeros_like(skin)
    areas = face_areas(patch.mesh, moved, skin, 1 - np.maximum(find_cover(source_lab, moved), kept))
    mask = swap_mask(areas, target_lab[..., 0] / np.float32(100), warp.reach, patch.eyes_px)
    here = Expression.of(target.face).at(patch.mesh)
    taken = areas.free * (1 - kept_features(small.expression, here, patch.size))
    if occlusion:
        taken = taken * below_forehead(patch.mesh, moved, patch.size)
    if is_kept_around_eyes(source, target, occlusion=occlusion):
        taken = taken * (1 - around_glasses(patch.mesh, patch.size))
    mask = mask * taken
    matched, gain = match_colour(source_lab, target_lab, areas, target_skin, patch.eyes_px)
    taken = taken * free_of_hair(own_skin, areas.core, patch.eyes_px)
    change = _blended_change(patch, to_rgb(matched), taken, mask, areas)
    change = change * (1 - kept)[..., np.newaxis]
    changed = apply_change(patch, change)
    if patch.is_reduced and whole.mesh is not small.mesh:
        detail = _full_detail(patch, whole, small, warp)
        changed = apply_detail(patch, changed, detail, warped, mask, gain)
    return patch.put_back(pixels, changed)


def _turned_like(source: Portrait, target: Face) -> _Source:
    """The source's face, cut out, and mirrored when it looks the other way."""
    patch = cut_patch(source.pixels, source.face.mesh)
    mesh = source.face.mesh - np.array([patch.left, patch.top, 0], np.float32)
    expression = Expression.of(source.face).at(mesh)
    if not fits_better_mirrored(source.face.yaw, target.yaw):
        return _Source(np.ascontiguousarray(patch.full), expression)
    mirrored = expression.mirrored(patch.full.shape[1])
    return _Source(np.ascontiguousarray(patch.full[:, ::-1]), mirrored)


def _blended_change(
    patch: Patch, source: Floats, taken: Floats, mask: Floats, areas: FaceAreas
) -> Floats:
    """What the blend adds to the patch at working size, nothing beyond the face's outline."""
    target = patch.pixels.astype(np.float32)
    source = match_sharpness(source, target, areas.bare)
    # What is not taken goes before the bands are made: coarse ones would carry its shade along.
    source = target + (source - target) * taken[..., np.newaxis]
    blended = blend_bands(source, target, mask, levels_for(patch.eyes_px))
    outline = polygon(patch.size, patch.mesh[list(OVAL), :2])
    grown = np.asarray(cv2.dilate(outline, np.ones((3, 3), np.uint8)), np.float32)
    limit = soften(grown, _LEAK * patch.eyes_px)[..., np.newaxis]
    return (np.clip(blended, 0, 255) - target) * limit


def _full_detail(patch: Patch, whole: _Source, small: _Source, warp: FaceWarp) -> Pixels:
    """The warped source at the patch's full size, as fine as the source is."""
    fine = whole.reduced(_SOURCE_MARGIN * patch.eyes_px * patch.full_size[0] / patch.size[0])
    factor = fine.pixels.shape[1] / small.pixels.shape[1]
    return warp.resized(patch.full_size, factor).sample(fine.pixels)
