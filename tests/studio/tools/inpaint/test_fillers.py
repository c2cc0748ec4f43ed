from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.errors import ModelUnavailableError, UserInputError
from studio.imaging.picture import Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import Filler
from studio.report import Report
from studio.settings import Settings
from studio.tools.inpaint.fillers import choose_filler, fill_hole, filler_name
from studio.tools.inpaint.holes import Hole

MEND = "edges and similar patches"
BUILT_IN = [Filler.PATCHMATCH, Filler.FREQUENCY, Filler.TELEA, Filler.NAVIER_STOKES, MEND]
SHAPES = [(64, 64), (61, 83), (90, 47)]


@pytest.fixture
def models(tmp_path: Path) -> ModelCache:
    """The real catalogue, nothing of it installed."""
    return ModelCache(WeightStore(tmp_path, load_catalogue()), Settings(_env_file=None))


def photograph(height: int, width: int) -> Pixels:
    rng = np.random.default_rng(1)
    return np.clip(rng.normal((90, 130, 170), 8, (height, width, 3)), 0, 255).astype(np.uint8)


def hole_in(height: int, width: int, radius_px: int = 9) -> Pixels:
    mask = np.zeros((height, width), np.uint8)
    return np.asarray(cv2.circle(mask, (width // 2, height // 2), radius_px, 255, -1))


def region(hole: Pixels, *, is_thin: bool = False) -> Hole:
    return Hole(0, 0, hole.shape[1], hole.shape[0], hole, is_thin)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("filler", BUILT_IN)
def test_fill_hole_keeps_its_contract(
    filler: str, shape: tuple[int, int], models: ModelCache
) -> None:
    pixels, hole = photograph(*shape), hole_in(*shape)
    given = pixels.copy()
    given[hole > 0] = (255, 0, 0)
    before = given.copy(), hole.copy()
    told: list[float] = []
    report = Report(lambda fraction, _: told.append(fraction))
    filled = fill_hole(filler, given, hole, np.zeros_like(hole), 3, models, report)
    assert (filled.dtype, filled.shape) == (np.uint8, pixels.shape)
    assert np.array_equal(filled[hole == 0], pixels[hole == 0])
    assert np.abs(filled[hole > 0].mean(axis=0) - (90, 130, 170)).max() < 12
    assert np.array_equal(given, before[0])
    assert np.array_equal(hole, before[1])
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("filler", BUILT_IN)
def test_fill_hole_twice_gives_the_same_bytes(filler: str, models: ModelCache) -> None:
    pixels, hole = photograph(70, 70), hole_in(70, 70)
    nothing = np.zeros_like(hole)
    first, second = (
        fill_hole(filler, pixels, hole, nothing, 3, models, Report()) for _ in range(2)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("filler", [*BUILT_IN, "migan-pipeline"])
def test_fill_hole_without_surroundings_is_refused(filler: str, models: ModelCache) -> None:
    closed = np.full((40, 40), 255, np.uint8)
    with pytest.raises(UserInputError) as refusal:
        fill_hole(filler, photograph(40, 40), closed, np.zeros_like(closed), 0, models, Report())
    assert refusal.value.code == "inpaint.nothing_to_copy"


def test_fill_hole_by_a_network_that_is_missing_or_for_something_else_is_refused(
    models: ModelCache,
) -> None:
    pixels, hole = photograph(40, 40), hole_in(40, 40)
    nothing = np.zeros_like(hole)
    with pytest.raises(ModelUnavailableError):
        fill_hole("migan-pipeline", pixels, hole, nothing, 0, models, Report())
    with pytest.raises(UserInputError) as refusal:
        fill_hole("isnet", pixels, hole, nothing, 0, models, Report())
    assert refusal.value.code == "model.other_tool"


@pytest.mark.parametrize("filler", [Filler.FREQUENCY, Filler.TELEA, Filler.NAVIER_STOKES, "net"])
def test_choose_filler_takes_what_is_named(filler: str) -> None:
    hole = hole_in(64, 64)
    assert choose_filler(region(hole), photograph(*hole.shape), hole, filler, ["other"]) == filler


@pytest.mark.parametrize(
    ("wanted", "is_thin", "networks", "chosen"),
    [
        (Filler.AUTO, True, [], MEND),
        (Filler.AUTO, True, ["net"], MEND),
        (Filler.AUTO, False, [], Filler.PATCHMATCH),
        (Filler.AUTO, False, ["net", "other"], "net"),
        (Filler.PATCHMATCH, True, ["net"], Filler.PATCHMATCH),
        (Filler.PATCHMATCH, False, ["net"], Filler.PATCHMATCH),
    ],
)
def test_choose_filler_goes_by_shape_and_by_what_is_installed(
    wanted: str, is_thin: bool, networks: list[str], chosen: str
) -> None:
    hole = hole_in(64, 64)
    assert (
        choose_filler(region(hole, is_thin=is_thin), photograph(64, 64), hole, wanted, networks)
        == chosen
    )


@pytest.mark.parametrize("wanted", [Filler.AUTO, Filler.PATCHMATCH])
def test_choose_filler_where_no_patches_are_open_names_what_then_fills(wanted: str) -> None:
    hole = np.full((80, 80), 255, np.uint8)
    hole[:6] = 0
    assert choose_filler(region(hole), photograph(*hole.shape), hole, wanted, []) == Filler.TELEA


@pytest.mark.parametrize("filler", BUILT_IN)
def test_fill_hole_of_an_empty_hole_changes_nothing(filler: str, models: ModelCache) -> None:
    pixels, nothing = photograph(60, 70), np.zeros((60, 70), np.uint8)
    filled = fill_hole(filler, pixels, nothing, nothing, 0, models, Report())
    assert np.array_equal(filled, pixels)


@pytest.mark.parametrize("filler", [*BUILT_IN, "migan-pipeline"])
def test_filler_name_is_for_people(filler: str, models: ModelCache) -> None:
    name = str(filler_name(filler, models))
    assert len(name) > 3
    assert name != "migan-pipeline"
