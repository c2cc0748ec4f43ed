"""The numbers of each look."""

from __future__ import annotations

from dataclasses import dataclass

from studio.params import Look


@dataclass(frozen=True, slots=True)
class Bands:
    """Soft steps of lightness: how many, how steep between them, how far L goes there."""

    count: int
    steepness: float
    mix: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one look is drawn on the small picture that the network then enlarges.

    Attributes:
        face_px: size of faces there; it decides how simple the drawing is.
        least_px: shortest long side of the small picture.
        most_px: longest one; bounds the cost.
        eye_gain: how much larger open eyes become.
        shine: how much of the skin's highlights is taken out, 0 to 1.
        soften_levels: grain that goes before flattening, 0 for none.
        flatness: weight of the L0 smoothing; 0 for none.
        skin_flatness: the same on skin.
        smooth_skin: share of edge-preserving smoothing on skin.
        keep_features: how much of eyes, lips and mouth stays unflattened.
        skin_lightness: L that the median of skin is brought towards.
        bands: of lightness; None leaves it continuous.
        chroma: gain of pale colours; strong ones gain less.
        skin_chroma: the same on skin.
        eye_lift: L that eyes gain.
        strokes: opacity of eyelid lines.
        jaw: opacity of jaw and nose as part of that; 0 leaves them and the mouth's line out.
        catch_lights: opacity of lights in the eyes.

    """

    face_px: float
    least_px: int
    most_px: int
    eye_gain: float
    shine: float
    soften_levels: float
    flatness: float
    skin_flatness: float
    smooth_skin: float
    keep_features: float
    skin_lightness: float
    bands: Bands | None
    chroma: float
    skin_chroma: float
    eye_lift: float
    strokes: float
    jaw: float
    catch_lights: float


RECIPES: dict[Look, Recipe] = {
    Look.ANIME: Recipe(
        face_px=46,
        least_px=288,
        most_px=600,
        eye_gain=0.20,
        shine=1.0,
        soften_levels=14,
        flatness=0.006,
        skin_flatness=0.016,
        smooth_skin=0,
        keep_features=0.9,
        skin_lightness=80,
        bands=Bands(7, 1.6, 0.45),
        chroma=1.35,
        skin_chroma=1.35,
        eye_lift=5,
        strokes=0.85,
        jaw=0.38,
        catch_lights=1.0,
    ),
    Look.COMIC: Recipe(
        face_px=54,
        least_px=320,
        most_px=600,
        eye_gain=0.06,
        shine=1.0,
        soften_levels=0,
        flatness=0.012,
        skin_flatness=0.012,
        smooth_skin=0,
        keep_features=0.8,
        skin_lightness=74,
        bands=Bands(6, 2.2, 0.75),
        chroma=1.6,
        skin_chroma=1.2,
        eye_lift=2,
        strokes=0.75,
        jaw=0.5,
        catch_lights=0,
    ),
    Look.THREE_D: Recipe(
        face_px=36,
        least_px=256,
        most_px=560,
        eye_gain=0.15,
        shine=0.5,
        soften_levels=12,
        flatness=0,
        skin_flatness=0,
        smooth_skin=0.8,
        keep_features=0.9,
        skin_lightness=72,
        bands=None,
        chroma=1.22,
        skin_chroma=1.22,
        eye_lift=5,
        strokes=0.35,
        jaw=0,
        catch_lights=0.7,
    ),
    Look.HANDDRAWN: Recipe(
        face_px=50,
        least_px=288,
        most_px=600,
        eye_gain=0.08,
        shine=1.0,
        soften_levels=20,
        flatness=0.008,
        skin_flatness=0.008,
        smooth_skin=0,
        keep_features=0.7,
        skin_lightness=80,
        bands=Bands(8, 1.4, 0.4),
        chroma=1.7,
        skin_chroma=1.08,
        eye_lift=5,
        strokes=0.6,
        jaw=0.35,
        catch_lights=0,
    ),
}
"""All looks but the sketch, which is drawn at full size."""
