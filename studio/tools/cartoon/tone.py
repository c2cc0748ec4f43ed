"""Light and colour of the small picture: exposure of skin, bands, chroma, eyes, teeth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import tanh

import numpy as np

from studio.faces.topology import INNER_MOUTH
from studio.params import Look
from studio.tools.cartoon.features import EYES, Features, polygon_mask
from studio.tools.cartoon.filters import Floats, blurred, clipped, mixed, to_lab, to_rgb
from studio.tools.cartoon.recipes import Bands, Recipe
from studio.tools.cartoon.skin import Parts

_PALE_CHROMA = 45
"""Chroma at which a gain has fallen to about a third."""
_GAMMA_RANGE = (0.55, 1.25)
_SURE_SKIN = 0.5
_TEETH_LIGHTNESS = 52


def grade(
    rgb: Floats, faces: Sequence[Features], parts: Parts, look: Look, recipe: Recipe
) -> Floats:
    """The colours of a look, from RGB ``float32 (H, W, 3)``, 0 to 255."""
    lab = to_lab(rgb)
    _expose_skin(lab, parts, recipe)
    _GRADES[look](lab, parts, recipe)
    _open_eyes(lab, parts, recipe)
    for face in faces:
        _whiten_teeth(lab, face)
        for index in face.open_eyes():
            _separate_iris(lab, face, index)
    lab[..., 1] += parts.lips * (3 if look in (Look.ANIME, Look.HANDDRAWN) else 1.5)
    return to_rgb(lab)


def banded(lightness: Floats, bands: Bands) -> Floats:
    """L drawn towards the middle of its band, with soft steps between bands.

    The soft quantisation of Winnemöller, Olsen and Gooch, Real-Time Video Abstraction, 2006.
    """
    width = 100 / bands.count
    middle = np.floor(lightness / width) * width + width / 2
    step = np.tanh(bands.steepness * 2 * (lightness - middle) / width) / tanh(bands.steepness)
    return mixed(lightness, middle + width / 2 * step, bands.mix)


def lift_chroma(lab: Floats, gain: Floats | float) -> None:
    """Multiply pale chroma by ``gain`` and strong chroma by less, in place."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    factor = 1 + (gain - 1) * np.exp(-chroma / _PALE_CHROMA)
    lab[..., 1] *= factor
    lab[..., 2] *= factor


def _expose_skin(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    """Bring the median of skin towards the recipe's, and the rest of the picture a little."""
    is_skin = parts.skin > _SURE_SKIN
    if not is_skin.any():
        return
    median = float(np.clip(np.median(lab[..., 0][is_skin]), 25, 95))
    gamma = np.log(recipe.skin_lightness / 100) / np.log(median / 100)
    gamma = float(np.clip(gamma, *_GAMMA_RANGE))
    weight = 0.35 + 0.45 * np.clip(blurred(parts.skin, 2.0) * 1.2, 0, 1)
    lab[..., 0] = 100 * _unit(lab[..., 0]) ** (1 + (gamma - 1) * weight)


def _grade_anime(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    before = lab[..., 0].copy()
    light = 100 * _unit(_in_bands(before, recipe)) ** np.float32(0.92)
    lab[..., 0] = light + parts.skin * (100 - light) * np.float32(0.18)
    _lift(lab, parts, recipe)
    lab[..., 1] += parts.skin * 2.0
    lab[..., 2] -= parts.skin * 2.5
    # Shadows lean to violet, as painted skies and cloth do.
    shadow = np.clip((45 - before) / 45, 0, 1) * (1 - parts.skin)
    lab[..., 1] += 1.5 * shadow
    lab[..., 2] -= 5 * shadow


def _grade_comic(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    light = _in_bands(lab[..., 0], recipe)
    lab[..., 0] = np.clip(50 + (light - 50) * 1.12 + 2, 0, 100)
    _lift(lab, parts, recipe)


def _grade_3d(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    light = lab[..., 0]
    lab[..., 0] = np.clip(light - 1.6 * np.sin(light * np.float32(2 * np.pi / 100)), 0, 100)
    _lift(lab, parts, recipe)
    lab[..., 1] += parts.skin * 1.5
    lab[..., 2] += parts.skin * 0.5


def _grade_handdrawn(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    light = _unit(_in_bands(lab[..., 0], recipe))
    # Washes are lighter than the photograph, the darkest ones excepted.
    lighter = (light ** np.float32(0.80) - light) * np.clip(light * 1.6 - 0.3, 0, 1)
    lab[..., 0] = 100 * (light + lighter)
    _lift(lab, parts, recipe)
    lab[..., 1] += parts.skin * 2


_GRADES: dict[Look, Callable[[Floats, Parts, Recipe], None]] = {
    Look.ANIME: _grade_anime,
    Look.COMIC: _grade_comic,
    Look.THREE_D: _grade_3d,
    Look.HANDDRAWN: _grade_handdrawn,
}


def _in_bands(light: Floats, recipe: Recipe) -> Floats:
    return light if recipe.bands is None else banded(light, recipe.bands)


def _lift(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    lift_chroma(lab, mixed(np.full_like(parts.skin, recipe.chroma), recipe.skin_chroma, parts.skin))


def _open_eyes(lab: Floats, parts: Parts, recipe: Recipe) -> None:
    """More contrast and light where an eye is drawn open."""
    light = lab[..., 0]
    gain = (light - 48) * np.float32(0.30) + np.float32(recipe.eye_lift)
    lab[..., 0] = np.clip(light + parts.open_eyes * gain, 0, 100)


def _whiten_teeth(lab: Floats, face: Features) -> None:
    mouth = polygon_mask(lab.shape, face.outline(INNER_MOUTH), face.size_px * 0.008)
    teeth = mouth / (1 + np.exp((_TEETH_LIGHTNESS - lab[..., 0]) / 5))
    lab[..., 1] *= 1 - 0.6 * teeth
    lab[..., 2] *= 1 - 0.7 * teeth
    lab[..., 0] = np.clip(lab[..., 0] + 5 * teeth, 0, 100)


def _separate_iris(lab: Floats, face: Features, index: int) -> None:
    """White made whiter, and the iris more colourful unless it is already."""
    eye = polygon_mask(lab.shape, face.outline(EYES[index]), face.size_px * 0.012)
    is_eye = eye > _SURE_SKIN
    if not is_eye.any():
        return
    median = float(np.median(lab[..., 0][is_eye]))
    white = 1 / (1 + np.exp((median + 6 - lab[..., 0]) / 3))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    colour = 0.45 * (1 - white) * np.exp(-np.maximum(chroma - 20, 0) / 15)
    factor = 1 + eye * (colour - 0.65 * white)
    lab[..., 1] *= factor
    lab[..., 2] *= factor
    lab[..., 0] = np.clip(lab[..., 0] + 4 * eye * white, 0, 100)


def _unit(light: Floats) -> Floats:
    """L as 0 to 1."""
    return clipped(light, 0, 100) * np.float32(0.01)
