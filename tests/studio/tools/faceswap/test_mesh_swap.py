"""The mesh swap, whole, on faces whose meshes are known."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from studio.faces.topology import INNER_MOUTH, LEFT_BROW, LIPS, RIGHT_BROW
from studio.imaging.picture import Pixels
from studio.tools.faceswap.colour import to_lab
from studio.tools.faceswap.mask import INNER, skin_likeness
from studio.tools.faceswap.mesh_swap import swap_by_mesh
from studio.tools.faceswap.patch import MOST_EYES_PX, cut_patch
from studio.tools.faceswap.polygons import polygon
from studio.tools.faceswap.portrait import Portrait
from studio.tools.faceswap.shape import mirror_mesh
from tests.metrics import max_difference, psnr_db
from tests.studio.tools.faceswap.faces import (
    astronaut,
    behind,
    enlarged,
    make_face,
    spectacled,
    stranger,
)

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[3] / "golden" / "faceswap" / "mesh.png"
OPTIONS = {"shape": 0.35, "occlusion": True}


def face_part(portrait: Portrait) -> tuple[slice, slice]:
    left, top, right, bottom = (round(side) for side in portrait.face.box)
    return slice(top, bottom), slice(left, right)


def bare_forehead() -> Portrait:
    """The astronaut without a fringe."""
    me = astronaut()
    x, y = me.face.mesh[151, :2].round().astype(int)
    pixels = me.pixels.copy()
    pixels[y - 25 : y + 5, x - 35 : x + 36] = me.pixels[y + 18, x]
    return Portrait(pixels, me.face)


def with_mouth(portrait: Portrait, *, is_open: bool) -> Portrait:
    """The lips painted blue, the mesh's inner ones pressed together or apart."""
    mesh = portrait.face.mesh.copy()
    upper, lower = INNER_MOUTH[11:], INNER_MOUTH[1:10]
    middle = (mesh[list(upper)[::-1]] + mesh[list(lower)]) / 2
    reach = np.array([0, 3 if is_open else 0.5, 0], np.float32)
    mesh[list(upper)[::-1]], mesh[list(lower)] = middle - reach, middle + reach
    pixels = portrait.pixels.copy()
    cv2.fillPoly(pixels, [mesh[list(LIPS), :2].round().astype(np.int32)], (20, 40, 220))
    return Portrait(pixels, make_face(mesh))


def mean_difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_mesh_swap_of_a_face_with_itself_gives_the_picture_back() -> None:
    me = astronaut()

    swapped = swap_by_mesh(me.pixels, me, me, **OPTIONS)

    # Resampling costs a little; a shift by half a pixel would already cost 10 dB more.
    assert psnr_db(swapped[face_part(me)], me.pixels[face_part(me)]) > 38


def test_mesh_swap_leaves_everything_away_from_the_face_byte_identical() -> None:
    me = astronaut()

    swapped = swap_by_mesh(me.pixels, me, stranger(), **OPTIONS)

    outside = np.ones(me.pixels.shape[:2], bool)
    margin = 12  # the blend reaches a few pixels beyond the outline
    left, top, right, bottom = (round(side) for side in me.face.box)
    outside[top - margin : bottom + margin, left - margin : right + margin] = False
    assert np.array_equal(swapped[outside], me.pixels[outside])
    assert not np.array_equal(swapped, me.pixels)


def test_mesh_swap_takes_on_the_targets_skin_and_light() -> None:
    me, other = astronaut(), stranger()

    swapped = swap_by_mesh(other.pixels, other, me, **OPTIONS)

    cheek = (slice(125, 140), slice(195, 205))
    difference = swapped[cheek].mean(axis=(0, 1)) - other.pixels[cheek].mean(axis=(0, 1))
    assert np.abs(difference).max() < 8
    unlit = me.pixels[cheek].mean(axis=(0, 1)) - other.pixels[cheek].mean(axis=(0, 1))
    assert np.abs(unlit).min() > 40


def test_mesh_swap_of_a_mirrored_source_mirrors_it_back() -> None:
    """A source that looks the other way is turned round; a frontal one is not worth it."""
    me = astronaut()
    turned = me.face.mesh.copy()
    # The nose towards one ear: as the mesh of a head turned by about 30 degrees.
    turned[1, 0] += 0.35 * (turned[454, 0] - turned[1, 0])
    flipped = np.ascontiguousarray(me.pixels[:, ::-1])
    source = Portrait(flipped, make_face(mirror_mesh(turned, me.pixels.shape[1])))

    swapped = swap_by_mesh(me.pixels, Portrait(me.pixels, make_face(turned)), source, **OPTIONS)

    assert psnr_db(swapped[face_part(me)], me.pixels[face_part(me)]) > 36


def test_mesh_swap_of_shut_source_eyes_keeps_the_targets() -> None:
    me, other = astronaut(), stranger()
    shut = Portrait(other.pixels, make_face(other.face.mesh, right_open=False))
    x, y = me.face.mesh[[33, 133], :2].mean(axis=0).round().astype(int)
    eye = (slice(y - 2, y + 3), slice(x - 4, x + 5))

    kept = swap_by_mesh(me.pixels, me, shut, **OPTIONS)

    assert mean_difference(kept[eye], me.pixels[eye]) < 4


@pytest.mark.parametrize(
    ("is_source_open", "is_target_open", "is_kept"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_mesh_swap_of_a_mouth_that_is_open_keeps_the_targets(
    is_source_open: bool, is_target_open: bool, is_kept: bool
) -> None:
    """The mesh lies too loosely on parted lips: lips smeared over teeth, and teeth over lips."""
    source = with_mouth(astronaut(), is_open=is_source_open)
    target = make_face(with_mouth(stranger(), is_open=is_target_open).face.mesh)
    before = stranger().pixels
    x, y = target.mesh[[13, 14], :2].mean(axis=0).round().astype(int)
    mouth = (slice(y - 3, y + 4), slice(x - 8, x + 9))

    swapped = swap_by_mesh(before, Portrait(before, target), source, **OPTIONS)

    assert (mean_difference(swapped[mouth], before[mouth]) < 4) == is_kept


def test_mesh_swap_keeps_the_targets_glasses_unless_told_otherwise() -> None:
    me, other = spectacled(), stranger()
    right, left = me.face.mesh[[130, 359], :2].round().astype(int)
    across = (slice(right[1] - 8, right[1] + 12), slice(right[0] - 4, left[0] + 5))

    kept = swap_by_mesh(me.pixels, me, other, shape=0.35, occlusion=True)
    lost = swap_by_mesh(me.pixels, me, other, shape=0.35, occlusion=False)

    assert mean_difference(kept[across], me.pixels[across]) < 3
    assert mean_difference(lost[across], me.pixels[across]) > 12
    assert not np.array_equal(kept, me.pixels)


def test_mesh_swap_takes_nothing_from_behind_the_sources_sunglasses() -> None:
    me, other = spectacled(is_dark=True), stranger()
    right, left = other.face.mesh[[130, 359], :2].round().astype(int)
    across = (slice(right[1] - 8, right[1] + 12), slice(right[0] - 4, left[0] + 5))

    swapped = swap_by_mesh(other.pixels, other, me, **OPTIONS)

    assert mean_difference(swapped[across], other.pixels[across]) < 3
    assert not np.array_equal(swapped, other.pixels)


def test_mesh_swap_leaves_the_sources_fringe_behind() -> None:
    """The astronaut's fringe does not come along to a bare forehead."""
    me, bare = astronaut(), bare_forehead()
    x, y = me.face.mesh[151, :2].round().astype(int)
    forehead = (slice(y - 6, y + 1), slice(x - 12, x + 13))

    swapped = swap_by_mesh(bare.pixels, bare, me, **OPTIONS)

    assert mean_difference(swapped[forehead], bare.pixels[forehead]) < 12
    assert mean_difference(me.pixels[forehead], bare.pixels[forehead]) > 60


def test_mesh_swap_leaves_a_lock_on_the_sources_forehead_behind() -> None:
    """One as light as skin, which no colour tells from it."""
    bare, other = bare_forehead(), stranger()
    x, y = bare.face.mesh[151, :2].round().astype(int)
    lock = bare.pixels.copy()
    lock[y - 14 : y + 2, x + 4 : x + 7] = lock[y, x] * 0.8
    forehead = (slice(y - 14, y - 4), slice(x - 10, x + 16))

    swapped = swap_by_mesh(other.pixels, other, Portrait(lock, bare.face), **OPTIONS)

    assert mean_difference(swapped[forehead], other.pixels[forehead]) < 2
    assert not np.array_equal(swapped, other.pixels)


def test_mesh_swap_keeps_what_covers_the_target_unless_told_otherwise() -> None:
    bare = bare_forehead()
    covered = bare.pixels.copy()
    x, y = bare.face.mesh[151, :2].round().astype(int)
    band = (slice(y - 14, y - 4), slice(x - 20, x + 21))
    covered[band] = (20, 60, 160)

    kept = swap_by_mesh(covered, Portrait(covered, bare.face), bare, shape=0.35, occlusion=True)
    lost = swap_by_mesh(covered, Portrait(covered, bare.face), bare, shape=0.35, occlusion=False)

    # The ends of the band lie where the outline's own softness takes part of it.
    assert mean_difference(kept[band], covered[band]) < 10
    assert mean_difference(lost[band], covered[band]) > 18


@pytest.mark.parametrize("thing", ["balloon", "microphone", "paper", "bars"])
def test_mesh_swap_keeps_what_stands_before_the_middle_of_the_face(thing: str) -> None:
    """Of such things 70 to 95 % were painted over: the middle was taken whatever it looked like."""
    covered, place = behind(astronaut(), thing)
    inner = polygon((512, 512), covered.face.mesh[list(INNER), :2]) > 0.5

    kept = swap_by_mesh(covered.pixels, covered, stranger(), shape=0.35, occlusion=True)
    lost = swap_by_mesh(covered.pixels, covered, stranger(), shape=0.35, occlusion=False)

    assert mean_difference(kept[place & inner], covered.pixels[place & inner]) < 1
    assert mean_difference(lost[place & inner], covered.pixels[place & inner]) > 10
    assert mean_difference(kept[inner & ~place], covered.pixels[inner & ~place]) > 2


def test_mesh_swap_takes_no_colour_from_what_stands_before_the_face() -> None:
    """A red balloon before one cheek does not redden the other."""
    bare, other = astronaut(), stranger()
    covered, place = behind(bare, "balloon")

    without = swap_by_mesh(bare.pixels, bare, other, **OPTIONS)
    with_it = swap_by_mesh(covered.pixels, covered, other, **OPTIONS)

    x, y = bare.face.mesh[50, :2].round().astype(int)
    cheek = (slice(y - 6, y + 7), slice(x - 6, x + 7))
    assert not place[cheek].any()
    assert mean_difference(with_it[cheek], without[cheek]) < 3


def test_mesh_swap_leaves_the_hat_over_the_sources_brows_behind() -> None:
    """The target's brows stay, where blue ones and a band of another colour were painted."""
    other, (hat, _) = stranger(), behind(astronaut(), "hat")
    brows = other.face.mesh[[*RIGHT_BROW, *LEFT_BROW], :2]
    (left, top), (right, bottom) = brows.min(axis=0).astype(int), brows.max(axis=0).astype(int)
    across = (slice(top, bottom), slice(left, right))

    swapped = swap_by_mesh(other.pixels, other, hat, **OPTIONS)

    assert mean_difference(swapped[across], other.pixels[across]) < 5
    assert not np.array_equal(swapped, other.pixels)


def test_mesh_swap_of_a_large_face_works_small_and_returns_full_detail() -> None:
    me = enlarged(astronaut(), 5.5)
    assert me.face.eye_distance_px > MOST_EYES_PX
    grain = np.random.default_rng(0).normal(0, 10, me.pixels.shape[:2])[..., np.newaxis]
    fine = Portrait(np.clip(me.pixels + grain, 0, 255).astype(np.uint8), me.face)
    patch = cut_patch(fine.pixels, fine.face.mesh)
    assert patch.eyes_px == pytest.approx(MOST_EYES_PX, rel=0.01)

    swapped = swap_by_mesh(fine.pixels, fine, fine, **OPTIONS)

    x, y = fine.face.mesh[50, :2].round().astype(int)
    cheek = (slice(y - 20, y + 20), slice(x - 20, x + 20))
    grains = [float(np.diff(p[cheek].astype(float), axis=1).std()) for p in (swapped, fine.pixels)]
    assert grains[0] > 0.7 * grains[1], "the grain of the full size is there"


def test_mesh_swap_at_the_pictures_border_does_its_best() -> None:
    me = astronaut()
    left, top = 200, 90
    part = np.ascontiguousarray(me.pixels[top:150, left:240])
    mesh = me.face.mesh - np.array([left, top, 0], np.float32)

    swapped = swap_by_mesh(part, Portrait(part, make_face(mesh)), stranger(), **OPTIONS)

    assert swapped.shape == part.shape
    assert not np.array_equal(swapped, part)


def test_skin_likeness_is_one_on_the_cheek_and_none_on_the_suit() -> None:
    me = astronaut()

    likeness = skin_likeness(to_lab(me.pixels.astype(np.float32)), me.face.mesh)

    assert likeness.min() >= 0
    assert likeness.max() <= 1
    x, y = me.face.mesh[50, :2].round().astype(int)
    assert likeness[y, x] > 0.9
    assert likeness[400:, 100:300].mean() < 0.2


def test_mesh_swap_looks_as_it_did_when_it_was_last_looked_at() -> None:
    """Other processors round other last bits in float filters: a level here, a few at edges."""
    me, other = astronaut(), stranger()
    golden = np.asarray(Image.open(GOLDEN))

    swapped = swap_by_mesh(other.pixels, other, me, **OPTIONS)[50:190, 155:295]

    assert mean_difference(swapped, golden) < 0.5
    assert max_difference(swapped, golden) <= 24


def test_mesh_swap_in_two_processes_gives_the_same_bytes() -> None:
    code = (
        "from hashlib import sha256\n"
        "from studio.tools.faceswap.mesh_swap import swap_by_mesh\n"
        "from tests.studio.tools.faceswap.faces import astronaut, stranger\n"
        "me = astronaut()\n"
        "result = swap_by_mesh(me.pixels, me, stranger(), shape=0.35, occlusion=True)\n"
        "print(sha256(result.tobytes()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.strip()
        for _ in range(2)
    }

    me = astronaut()
    here = swap_by_mesh(me.pixels, me, stranger(), **OPTIONS)
    assert digests == {sha256(here.tobytes()).hexdigest()}
