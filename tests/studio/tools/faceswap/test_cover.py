"""What stands before a face is found, and nothing that belongs to it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from studio.faces.glasses import Glasses
from studio.faces.topology import OVAL
from studio.imaging.picture import Pixels
from studio.tools.faceswap.colour import to_lab
from studio.tools.faceswap.cover import find_cover
from studio.tools.faceswap.mask import INNER
from studio.tools.faceswap.polygons import polygon
from studio.tools.faceswap.portrait import Portrait
from tests.studio.tools.faceswap.faces import astronaut, behind, enlarged, spectacled, stranger

_Floats = npt.NDArray[np.float32]
THINGS = ("balloon", "microphone", "paper", "bars", "hat")


def cover_of(portrait: Portrait) -> _Floats:
    return find_cover(to_lab(portrait.pixels.astype(np.float32)), portrait.face.mesh)


def face_of(portrait: Portrait, points: tuple[int, ...] = OVAL) -> npt.NDArray[np.bool_]:
    size = portrait.pixels.shape[1::-1]
    return polygon((size[0], size[1]), portrait.face.mesh[list(points), :2]) > 0.5


def shaded(portrait: Portrait) -> Portrait:
    """Lit from one side, the other in deep shade."""
    x = portrait.face.mesh[1, 0]
    across = np.arange(portrait.pixels.shape[1], dtype=np.float32)
    light = 1 / (1 + np.exp((across - x) / (0.15 * portrait.face.eye_distance_px)))
    return changed(portrait, lambda pixels: pixels * (0.15 + 0.85 * light[:, np.newaxis]))


def in_hard_shade(portrait: Portrait) -> Portrait:
    """Half in the sun, with an edge as firm as that of a thing."""
    x = portrait.face.mesh[1, 0]
    across = np.arange(portrait.pixels.shape[1], dtype=np.float32)
    light = np.clip(0.5 - (across - x) / (0.04 * portrait.face.eye_distance_px), 0, 1)
    return changed(portrait, lambda pixels: pixels * (0.38 + 0.62 * light[:, np.newaxis]))


def shining(portrait: Portrait) -> Portrait:
    """Blown out on a cheek and the forehead, as by a flash."""
    glare = spots(portrait, (50, 151), 0.16)
    return changed(portrait, lambda pixels: pixels + glare * 400)


def bearded(portrait: Portrait) -> Portrait:
    """Dark hairs, denser towards the chin."""
    chance = np.random.default_rng(0).random(portrait.pixels.shape[:2]).astype(np.float32)
    hairs = cv2.GaussianBlur(chance, (3, 3), 0)[..., np.newaxis]
    density = np.minimum(spots(portrait, (152, 200, 172, 397, 136, 365), 0.22), 1)
    return changed(portrait, lambda pixels: pixels * (1 - density * (0.55 + 0.5 * hairs)))


def blushing(portrait: Portrait) -> Portrait:
    """Rouge on both cheeks."""
    rouge = np.minimum(spots(portrait, (50, 280), 0.12), 1)
    return changed(portrait, lambda pixels: pixels + rouge * ((200, 40, 60) - pixels) * 0.7)


def coloured_light(portrait: Portrait) -> Portrait:
    """A blue lamp from the right."""
    x = portrait.face.mesh[1, 0]
    across = np.arange(portrait.pixels.shape[1], dtype=np.float32)
    share = 1 / (1 + np.exp(-(across - x) / (0.2 * portrait.face.eye_distance_px)))
    lamp = 1 + share[:, np.newaxis] * (np.array([0.45, 0.6, 1.5]) - 1)
    return changed(portrait, lambda pixels: pixels * lamp)


def spots(portrait: Portrait, points: tuple[int, ...], sigma: float) -> _Floats:
    """Soft spots of height 1, ``float32 (h, w, 1)``; ``sigma`` over the eye distance."""
    height, width = portrait.pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    sigma_px = sigma * portrait.face.eye_distance_px
    total = np.zeros((height, width, 1), np.float32)
    for x, y in portrait.face.mesh[list(points), :2]:
        square = (columns - x) ** 2 + (rows - y) ** 2
        total[..., 0] += np.exp(-square / (2 * sigma_px**2))
    return total


def changed(portrait: Portrait, change: Callable[[_Floats], _Floats]) -> Portrait:
    pixels: Pixels = np.clip(change(portrait.pixels.astype(np.float32)), 0, 255).astype(np.uint8)
    return Portrait(pixels, portrait.face)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("face", [astronaut(), stranger(), enlarged(astronaut(), 2)])
def test_cover_of_a_thing_before_the_face_is_where_it_stands(face: Portrait, thing: str) -> None:
    portrait, place = behind(face, thing)

    cover = cover_of(portrait)

    inner = face_of(portrait, INNER)
    assert cover[place & inner].mean() > 0.95
    edge_px = 2 * round(0.06 * face.face.eye_distance_px) + 1
    beside = cv2.dilate(place.astype(np.uint8), np.ones((edge_px, edge_px), np.uint8)) == 0
    assert cover[beside & inner].mean() < 0.002


@pytest.mark.parametrize("thing", ["balloon", "microphone", "paper"])
def test_cover_of_a_shaded_thing_a_little_out_of_focus_is_found_as_well(thing: str) -> None:
    face = enlarged(astronaut(), 2)
    portrait, place = behind(face, thing)
    shade = np.linspace(0.85, 1.1, face.pixels.shape[0], dtype=np.float32)[:, np.newaxis]
    soft = cv2.GaussianBlur(place.astype(np.float32), (0, 0), 1.5)[..., np.newaxis]
    thing_lit = portrait.pixels * shade[..., np.newaxis]
    mixed = np.clip(face.pixels * (1 - soft) + thing_lit * soft, 0, 255).astype(np.uint8)

    cover = cover_of(Portrait(mixed, face.face))

    assert cover[place & face_of(face)].mean() > 0.9


@pytest.mark.parametrize(
    "bare",
    [
        lambda face: face,
        shaded,
        in_hard_shade,
        shining,
        bearded,
        blushing,
        coloured_light,
    ],
    ids=["plain", "shaded", "in hard shade", "shining", "bearded", "blushing", "coloured light"],
)
@pytest.mark.parametrize("face", [astronaut(), stranger()], ids=["astronaut", "stranger"])
def test_cover_of_a_bare_face_in_any_light_is_nothing(
    face: Portrait, bare: Callable[[Portrait], Portrait]
) -> None:
    assert not cover_of(bare(face)).any()


def test_cover_of_wire_glasses_is_nothing() -> None:
    """They are found by other signs, and kept with all that is around them."""
    assert not cover_of(spectacled()).any()


def test_cover_of_a_face_outside_of_the_picture_is_nothing() -> None:
    me = astronaut()
    part = np.ascontiguousarray(me.pixels[:40, :40])
    lab = to_lab(part.astype(np.float32))

    cover = find_cover(lab, me.face.mesh)

    assert cover.shape == (40, 40)
    assert not cover.any()


def test_portrait_with_a_hat_does_not_seem_to_wear_glasses() -> None:
    hat, _ = behind(astronaut(), "hat")

    assert hat.glasses is None
    assert spectacled().glasses is Glasses.CLEAR


def test_portrait_tells_how_much_of_the_face_is_covered() -> None:
    paper, place = behind(astronaut(), "paper")

    inner = face_of(paper, INNER)
    assert paper.covered_share == pytest.approx((place & inner).sum() / inner.sum(), abs=0.03)
    assert astronaut().covered_share == 0
