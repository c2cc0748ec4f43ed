"""Drawing a picture in one of the built-in looks.

Flattening and drawing happen on a small picture, on which every face has about the same
size. A network for animation enlarges it and turns flat areas and strokes into clean
shading; what remains is drawn at full size. So the cost hangs on the small picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

import cv2
import numpy as np

from studio.faces.find import find_faces
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.models.superres import enlarge, pick_scale
from studio.params import Look
from studio.params.sizes import fit_long_side
from studio.report import Report
from studio.tools.cartoon.eyes import add_catch_lights, enlarge_eyes
from studio.tools.cartoon.features import Features
from studio.tools.cartoon.filters import Floats, resized, to_pixels
from studio.tools.cartoon.finishes import finish_3d, finish_anime, finish_comic
from studio.tools.cartoon.flatten import flatten
from studio.tools.cartoon.paper import Textures
from studio.tools.cartoon.recipes import RECIPES, Recipe
from studio.tools.cartoon.sketch import draw_sketch
from studio.tools.cartoon.skin import find_parts, without_red_eyes, without_shine
from studio.tools.cartoon.strokes import draw_strokes
from studio.tools.cartoon.tone import grade
from studio.tools.cartoon.watercolour import finish_handdrawn
from studio.words import msg

if TYPE_CHECKING:
    from studio.models.cache import ModelCache

SEEDED_LOOKS = (Look.HANDDRAWN, Look.SKETCH)
"""The looks that draw on paper, whose grain, wobble and hatching the seed decides."""
LARGEST_DRAWING_PX = 2560
"""Longer pictures are drawn at this long side and enlarged: strokes have no finer detail."""
_SEARCH_PX = 1024
_NETWORK = "realesr-animevideov3"
_SCALE_SLACK = 0.05
"""The network's scale may miss the full size by so much; interpolation makes it up."""
_TILE_AREA_PX = 320 * 448
"""Of the small picture: under a second a tile on two cores, and a cancel point after each."""
_PAD_PX = 12
_UNIT_PX = 1024
"""Long side for which the numbers of pens and textures are given."""
_SMALLEST_FACE_RATIO = 0.012
_NO_FACE_REDUCTION = 2.5
_LARGEST_SHARE = 0.75
"""The small picture is at most this part of the full one."""


def find_features(pixels: Pixels, models: ModelCache, report: Report) -> list[Features]:
    """The faces of a picture, in its px; looked for at one size, whatever it is drawn at.

    Raises:
        ModelUnavailableError: a network is not installed.

    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > _SEARCH_PX:
        pixels = resample(pixels, *fit_long_side(width, height, _SEARCH_PX))
    faces = find_faces(pixels, models, report)
    return [Features.of(face).moved(longest / max(pixels.shape)) for face in faces]


def draw(
    pixels: Pixels,
    faces: Sequence[Features],
    look: Look,
    seed: int,
    models: ModelCache,
    report: Report,
) -> Pixels:
    """The picture in full strength.

    Args:
        pixels: RGB ``uint8 (H, W, 3)`` at the size of the result; not changed.
        faces: found in it, in its px; none is fine.
        look: which of the built-in ones.
        seed: of grain, wobble and hatching.
        models: opens the enlarging network, which the sketch does without.
        report: progress 0 to 1, weights, notes.

    Returns:
        RGB ``uint8 (H, W, 3)``.

    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > LARGEST_DRAWING_PX:
        report.note(
            msg(
                "Drawn at {drawn} px and enlarged to {longest} px.",
                drawn=LARGEST_DRAWING_PX,
                longest=longest,
            )
        )
        size = fit_long_side(width, height, LARGEST_DRAWING_PX)
        pixels = resample(pixels, *size)
    scale = max(pixels.shape) / longest
    near = [face.moved(scale) for face in faces]
    near = [face for face in near if face.size_px >= _SMALLEST_FACE_RATIO * max(pixels.shape)]
    drawn = to_pixels(_draw(pixels.astype(np.float32), near, look, seed, models, report))
    report.progress(1.0)
    return drawn if scale == 1 else resample(drawn, width, height)


def small_side(longest_px: int, faces: Sequence[Features], recipe: Recipe) -> int:
    """Long side of the small picture, on which faces have about the recipe's size."""
    bound = int(longest_px * _LARGEST_SHARE)
    least, most = min(recipe.least_px, bound), min(recipe.most_px, bound)
    wanted = longest_px / _NO_FACE_REDUCTION
    if faces:
        sizes = [face.size_px for face in faces]
        wanted = longest_px * recipe.face_px / ((max(sizes) + median(sizes)) / 2)
    return max(int(min(max(wanted, least), most)), 1)


def _draw(
    rgb: Floats,
    faces: list[Features],
    look: Look,
    seed: int,
    models: ModelCache,
    report: Report,
) -> Floats:
    scale = max(rgb.shape) / _UNIT_PX
    textures = Textures((rgb.shape[0], rgb.shape[1]), scale, seed)
    if look is Look.SKETCH:
        return draw_sketch(rgb, scale, faces, textures, report.progress)
    recipe = RECIPES[look]
    enlarged_eyes, faces = enlarge_eyes(rgb, faces, recipe.eye_gain)
    with report.span(0.0, 0.3):
        small, factor = _paint_small(enlarged_eyes, faces, look, recipe, report)
    with report.span(0.3, 0.7):
        painted = _enlarge(small, factor, (rgb.shape[1], rgb.shape[0]), models, report)
    with report.span(0.7, 0.95):
        finished = _finish(painted, look, scale, faces, textures, report)
        report.progress(1.0)
    return add_catch_lights(finished, faces, recipe.catch_lights)


def _paint_small(
    rgb: Floats, faces: Sequence[Features], look: Look, recipe: Recipe, report: Report
) -> tuple[Floats, float]:
    """The small picture with ``_PAD_PX`` of border, and its size as part of the full one."""
    height, width = rgb.shape[:2]
    side_px = small_side(max(height, width), faces, recipe)
    small = resized(rgb, *fit_long_side(width, height, side_px))
    factor = side_px / max(height, width)
    # The flattening wraps round the border, and the network darkens it.
    small = np.asarray(
        cv2.copyMakeBorder(small, *(_PAD_PX,) * 4, cv2.BORDER_REFLECT_101), np.float32
    )
    near = [face.moved(factor, _PAD_PX) for face in faces]
    parts = find_parts(small, near)
    small = without_red_eyes(without_shine(small, near, parts, recipe.shine), near)
    report.progress(0.3)
    flat = flatten(small, parts, recipe)
    report.progress(0.8)
    graded = grade(flat, near, parts, look, recipe)
    return draw_strokes(graded, near, recipe), factor


def _enlarge(
    small: Floats, factor: float, size: tuple[int, int], models: ModelCache, report: Report
) -> Floats:
    """The small picture at full size, without its border, RGB ``float32 (H, W, 3)``."""
    scale = pick_scale(models.spec(_NETWORK).scales, 1 / factor - _SCALE_SLACK)
    model = models.open(_NETWORK, report, scale=scale)
    large = enlarge(model, to_pixels(small), report, tile_area_px=_TILE_AREA_PX)
    border_px = _PAD_PX * scale
    return resized(large[border_px:-border_px, border_px:-border_px], *size)


def _finish(
    rgb: Floats,
    look: Look,
    scale: float,
    faces: Sequence[Features],
    textures: Textures,
    report: Report,
) -> Floats:
    match look:
        case Look.ANIME:
            return finish_anime(rgb, scale)
        case Look.COMIC:
            return finish_comic(rgb, scale)
        case Look.THREE_D:
            return finish_3d(rgb, scale)
        case _:
            return finish_handdrawn(rgb, scale, faces, textures, report.progress)
