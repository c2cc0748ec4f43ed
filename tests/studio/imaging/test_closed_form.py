from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from studio.errors import JobCancelledError
from studio.imaging import closed_form
from studio.imaging.closed_form import UnsolvedMatteError, solve_matte
from studio.imaging.picture import Pixels
from studio.imaging.trimap import BACKGROUND, FOREGROUND, UNKNOWN, make_trimap
from tests.hair import Hair, make_hair

pytestmark = pytest.mark.slow


def ignore(fraction: float) -> None:
    """Nobody watches."""


def trimap_of(hair: Hair, erode_size_px: int = 10) -> Pixels:
    return make_trimap(
        hair.coarse,
        foreground_threshold=240,
        background_threshold=10,
        erode_size_px=erode_size_px,
    )


def error(alpha: Pixels, hair: Hair) -> float:
    """Mean absolute difference to the true alpha, in levels."""
    return float(np.abs(alpha.astype(int) - hair.alpha).mean())


def test_matte_brings_fine_hair_back() -> None:
    hair = make_hair()
    matte = solve_matte(hair.pixels, trimap_of(hair), ignore)

    assert error(hair.coarse, hair) > 8
    assert error(matte, hair) < 0.3 * error(hair.coarse, hair)
    strands = (hair.alpha > 200) & (hair.coarse < 200)
    assert strands.sum() > 100
    assert matte[strands].mean() > 170, "a strand that the network blurred is solid again"


def test_matte_keeps_what_is_certain_and_what_lies_far_off() -> None:
    hair = make_hair()
    trimap = trimap_of(hair)

    matte = solve_matte(hair.pixels, trimap, ignore)

    for level in (BACKGROUND, FOREGROUND):
        assert np.all(matte[trimap == level] == level)


def test_matte_of_a_large_picture_is_solved_reduced_and_still_better(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hair = make_hair(400)
    monkeypatch.setattr(closed_form, "SOLVED_PIXELS", 40_000)

    matte = solve_matte(hair.pixels, trimap_of(hair), ignore)

    assert matte.shape == hair.alpha.shape
    assert error(matte, hair) < 0.1 * error(hair.coarse, hair)


def test_matte_solved_reduced_keeps_dark_flat_cloth_below_a_striped_shirt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sums in ``float32`` carry rounding down from the stripes until no window can be solved."""
    y, x = np.mgrid[:1000, :160]
    is_white_stripe = (y // 8 % 2 == 1) & (y < 650)
    colour = np.where(x < 110, np.where(is_white_stripe, 255, 20), 110)
    noise = np.random.default_rng(0).normal(0, 0.5, (1000, 160, 3))
    pixels = np.clip(np.rint(colour[..., None] + noise), 0, 255).astype(np.uint8)
    trimap = np.full((1000, 160), UNKNOWN, np.uint8)
    trimap[:, :15], trimap[:, 125:] = FOREGROUND, BACKGROUND
    monkeypatch.setattr(closed_form, "SOLVED_PIXELS", 63_000)

    matte = solve_matte(pixels, trimap, ignore)

    assert matte[700:, :110].min() > 220
    assert matte[700:, 110:].max() < 35


def test_matte_is_the_same_every_time() -> None:
    hair = make_hair(128, 60)
    once, again = (solve_matte(hair.pixels, trimap_of(hair), ignore) for _ in range(2))
    assert np.array_equal(once, again)


def test_matte_without_a_band_is_the_trimap() -> None:
    trimap = np.full((20, 20), FOREGROUND, np.uint8)
    trimap[:, :10] = BACKGROUND
    matte = solve_matte(np.zeros((20, 20, 3), np.uint8), trimap, ignore)
    assert np.array_equal(matte, trimap)


@pytest.mark.parametrize("certain", [BACKGROUND, FOREGROUND, UNKNOWN])
def test_matte_without_two_certain_sides_says_so(certain: int) -> None:
    trimap = np.full((20, 20), UNKNOWN, np.uint8)
    trimap[5:10, 5:10] = certain
    with pytest.raises(UnsolvedMatteError, match="no certain subject and background"):
        solve_matte(np.zeros((20, 20, 3), np.uint8), trimap, ignore)


def test_matte_that_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    hair = make_hair(128, 60)
    monkeypatch.setattr(closed_form, "_MAX_STEPS", 1)
    with pytest.raises(UnsolvedMatteError, match="did not settle"):
        solve_matte(hair.pixels, trimap_of(hair), ignore)


@pytest.mark.parametrize("solved_pixels", [closed_form.SOLVED_PIXELS, 3_000])
def test_matte_that_is_not_finite_is_refused(
    solved_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hair = make_hair(128, 60)
    monkeypatch.setattr(closed_form, "SOLVED_PIXELS", solved_pixels)
    monkeypatch.setattr(closed_form, "_settle", lambda system, given, *_: given * np.nan)
    with pytest.raises(UnsolvedMatteError, match="did not settle"):
        solve_matte(hair.pixels, trimap_of(hair), ignore)


def test_matte_whose_preconditioner_needs_a_shift_prints_nothing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    hair = make_hair(128, 60)
    expected = solve_matte(hair.pixels, trimap_of(hair), ignore)
    ichol = closed_form._pymatting("preconditioner.ichol")
    monkeypatch.setattr(ichol.ichol, "__defaults__", (1e-4, [-1.0, 1e-4], 10**7, 0.0, True))
    caplog.set_level("DEBUG")

    matte = solve_matte(hair.pixels, trimap_of(hair), ignore)

    assert "incomplete Cholesky decomposition failed" in caplog.text
    assert capsys.readouterr().out == ""
    assert np.abs(matte.astype(int) - expected).max() <= 1


def test_matte_can_be_stopped_between_steps() -> None:
    hair = make_hair(128, 60)
    told: list[float] = []

    def stop(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.6:
            raise JobCancelledError

    with pytest.raises(JobCancelledError):
        solve_matte(hair.pixels, trimap_of(hair), stop)
    assert told == sorted(told)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (3, 3)])
def test_matte_of_tiny_pictures_has_their_size_or_is_refused(shape: tuple[int, int]) -> None:
    trimap = np.full(shape, UNKNOWN, np.uint8)
    trimap.flat[0], trimap.flat[-1] = FOREGROUND, BACKGROUND
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    with suppress(UnsolvedMatteError):
        assert solve_matte(pixels, trimap, ignore).shape == shape
