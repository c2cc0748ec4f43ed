from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from studio.errors import JobCancelledError, ModelUnavailableError, UserInputError
from studio.imaging.picture import Picture, Pixels
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, load_catalogue
from studio.models.weights import WeightStore
from studio.params import Filler, InpaintParams
from studio.report import Report, Stage
from studio.settings import Settings
from studio.tools.inpaint.tool import run
from tests.studio.models.inpainting_networks import GAINS, write_migan_pipeline
from tests.studio.models.weight_factories import make_file, make_model
from tests.words import said

pytestmark = pytest.mark.slow

BUILT_IN = [filler.value for filler in Filler]


@pytest.fixture(scope="module")
def no_networks(tmp_path_factory: pytest.TempPathFactory) -> ModelCache:
    """The real catalogue, nothing of it installed."""
    store = WeightStore(tmp_path_factory.mktemp("weights"), load_catalogue())
    return ModelCache(store, Settings(_env_file=None))


@pytest.fixture(scope="module")
def one_network(tmp_path_factory: pytest.TempPathFactory) -> ModelCache:
    """A store in which a tiny network with the signature of MI-GAN's pipeline is installed."""
    folder = tmp_path_factory.mktemp("networks")
    graph = write_migan_pipeline(folder / "tiny.onnx").read_bytes()
    contract = load_catalogue().get("migan-pipeline").contract
    file = make_file("net.onnx", graph)
    spec = make_model(
        file, title="Tiny painter", tools=("inpaint",), task="inpainting", contract=contract
    )
    store = WeightStore(folder / "weights", Catalogue(models=(spec,)))
    store.import_file(folder / "tiny.onnx", spec.id)
    return ModelCache(store, Settings(_env_file=None))


def grey(levels: Pixels) -> Picture:
    return Picture(np.repeat(levels[..., np.newaxis], 3, axis=2))


def disc(height: int, width: int, x: int, y: int, radius_px: int) -> Pixels:
    return np.asarray(cv2.circle(np.zeros((height, width), np.uint8), (x, y), radius_px, 255, -1))


def inpaint(
    pixels: Pixels,
    mask: Pixels | None,
    models: ModelCache,
    report: Report | None = None,
    alpha: Pixels | None = None,
    **params: Any,
) -> tuple[Picture, Pixels]:
    inputs = {"image": Picture(pixels, alpha)}
    if mask is not None:
        inputs["mask"] = grey(mask)
    image, made = run(inputs, InpaintParams(**params), models, report or Report())
    assert (image.role, made.role) == ("image", "mask")
    assert made.picture.alpha is not None
    return image.picture, made.picture.alpha


def on_meadow() -> tuple[Pixels, Pixels]:
    """A calm texture with a red ball on it, and a mask somewhat larger than the ball."""
    rows, columns = np.mgrid[:200, :260]
    calm = np.stack((80 + columns / 10, 140 + rows / 10, np.full(rows.shape, 70.0)), axis=2)
    noise = np.random.default_rng(3).normal(0, 6, calm.shape)
    pixels = np.clip(calm + noise, 0, 255).astype(np.uint8)
    pixels[disc(200, 260, 120, 90, 20) > 0] = (225, 20, 30)
    return pixels, disc(200, 260, 120, 90, 24)


@pytest.mark.parametrize("model", BUILT_IN)
def test_inpaint_removes_the_object_by_every_built_in_way(
    model: str, no_networks: ModelCache
) -> None:
    pixels, mask = on_meadow()
    picture, _ = inpaint(pixels, mask, no_networks, model=model)
    filled = picture.pixels[mask > 0].astype(int)
    assert not ((filled[:, 0] > 150) & (filled[:, 1] < 90)).any()
    assert np.abs(filled.mean(axis=0) - (92, 149, 70)).max() < 6


@pytest.mark.parametrize("model", BUILT_IN)
def test_inpaint_leaves_pixels_outside_the_feathered_mask_as_they_are(
    model: str, no_networks: ModelCache
) -> None:
    pixels, mask = on_meadow()
    picture, repainted = inpaint(pixels, mask, no_networks, model=model, grow_px=2, feather_px=5)
    assert np.array_equal(picture.pixels[repainted == 0], pixels[repainted == 0])
    far = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (17, 17))) == 0
    assert not repainted[far].any()


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    seed=st.integers(0, 1000),
    feather_px=st.integers(0, 8),
    model=st.sampled_from(BUILT_IN),
)
def test_inpaint_of_any_mask_and_size_keeps_what_is_not_masked(
    width: int, height: int, seed: int, feather_px: int, model: str, no_networks: ModelCache
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(3):
        start, end = rng.integers(0, 90, 2).tolist(), rng.integers(0, 90, 2).tolist()
        cv2.line(mask, start, end, 255, int(rng.choice([1, 4, 25])))
    try:
        picture, repainted = inpaint(
            pixels, mask, no_networks, model=model, feather_px=feather_px, grow_px=0
        )
    except UserInputError as refusal:
        assert refusal.code in ("inpaint.nothing_masked", "inpaint.nothing_to_copy")  # noqa: PT017
        return
    assert picture.pixels.shape == pixels.shape
    assert picture.pixels.dtype == np.uint8
    assert (repainted[mask > 0] == 255).all()
    assert np.array_equal(picture.pixels[repainted == 0], pixels[repainted == 0])


@pytest.mark.parametrize("size", [(1, 2), (1, 40), (40, 1), (5, 5), (3000, 17), (17, 600)])
def test_inpaint_of_an_extreme_shape_fills_a_hole(
    size: tuple[int, int], no_networks: ModelCache
) -> None:
    width, height = size
    pixels = np.full((height, width, 3), 120, np.uint8)
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2, width // 2] = 255
    pixels[mask > 0] = 0
    picture, _ = inpaint(pixels, mask, no_networks, grow_px=0, feather_px=0)
    assert np.abs(picture.pixels.astype(int) - 120).max() <= 2


def test_inpaint_keeps_the_alpha_and_greys_of_the_picture(no_networks: ModelCache) -> None:
    pixels = np.repeat(on_meadow()[0][..., 1:2], 3, axis=2)
    alpha = disc(200, 260, 130, 100, 90)
    picture, _ = inpaint(pixels, on_meadow()[1], no_networks, alpha=alpha)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha)
    spread = picture.pixels.max(axis=2).astype(int) - picture.pixels.min(axis=2)
    assert spread.max() <= 2


def test_inpaint_of_several_holes_notes_each_way_with_its_count(no_networks: ModelCache) -> None:
    pixels = np.ascontiguousarray(data.astronaut())
    mask = np.maximum(disc(512, 512, 100, 100, 20), disc(512, 512, 400, 300, 20))
    cv2.line(mask, (60, 400), (160, 420), 255, 3)
    report = Report()
    inpaint(pixels, mask, no_networks, report)
    assert "Filled 2 areas with PatchMatch." in said(report.notes)
    assert len(said(report.notes)) == 2
    assert any(note.startswith("Filled one area with ") for note in said(report.notes))


def test_inpaint_with_a_network_installed_uses_it_for_a_hole_and_says_so(
    one_network: ModelCache,
) -> None:
    pixels = np.full((300, 300, 3), 190, np.uint8)
    pixels[::2] = 210
    mask = disc(300, 300, 150, 150, 30)
    report = Report()
    picture, _ = inpaint(pixels, mask, one_network, report, feather_px=0)
    assert said(report.notes) == ["Filled one area with Tiny painter."]
    assert [use.id for use in report.weights] == ["tiny"]
    assert np.abs(picture.pixels[mask > 0] - 200 * np.array(GAINS)).max() <= 1
    assert np.array_equal(picture.pixels[mask == 0], pixels[mask == 0])


def test_inpaint_with_a_network_installed_still_mends_scratches(one_network: ModelCache) -> None:
    pixels = np.full((300, 300, 3), 200, np.uint8)
    mask = np.zeros((300, 300), np.uint8)
    cv2.line(mask, (50, 60), (200, 150), 255, 4)
    report = Report()
    picture, _ = inpaint(pixels, mask, one_network, report)
    assert not report.weights
    assert np.abs(picture.pixels.astype(int) - 200).max() <= 2


@pytest.mark.parametrize("model", BUILT_IN)
def test_inpaint_of_everything_without_a_network_is_refused(
    model: str, no_networks: ModelCache
) -> None:
    with pytest.raises(UserInputError) as refusal:
        inpaint(on_meadow()[0], None, no_networks, model=model, preset="full")
    assert refusal.value.code == "inpaint.nothing_to_copy"


@pytest.mark.parametrize("model", ["auto", "tiny"])
def test_inpaint_of_everything_with_a_network_is_refused(
    model: str, one_network: ModelCache
) -> None:
    with pytest.raises(UserInputError) as refusal:
        inpaint(on_meadow()[0], None, one_network, model=model, preset="full")
    assert refusal.value.code == "inpaint.nothing_to_copy"


@pytest.mark.parametrize("model", ["auto", "patchmatch"])
def test_inpaint_of_nearly_everything_notes_what_truly_filled_it(
    model: str, no_networks: ModelCache
) -> None:
    pixels, mask = on_meadow()
    mask[6:] = 255
    mask[:6] = 0
    report = Report()
    picture, _ = inpaint(pixels, mask, no_networks, report, model=model, feather_px=0)
    assert said(report.notes) == ["Filled one area with Telea's fast marching."]
    assert picture.pixels.min() > 20


def test_inpaint_with_a_mask_of_another_size_says_that_it_was_stretched(
    no_networks: ModelCache,
) -> None:
    pixels, mask = on_meadow()
    report = Report()
    picture, _ = inpaint(pixels, mask[::2, ::2], no_networks, report, model="telea")
    assert picture.pixels.shape == pixels.shape
    height, width = mask.shape
    stretched = f"from {width // 2} × {height // 2} to {width} × {height} px"
    assert f"The mask was stretched {stretched}." in said(report.notes)


def test_inpaint_by_a_model_that_is_not_installed_or_not_for_this_is_refused(
    no_networks: ModelCache,
) -> None:
    pixels, mask = on_meadow()
    with pytest.raises(ModelUnavailableError):
        inpaint(pixels, mask, no_networks, model="migan-pipeline")
    with pytest.raises(UserInputError) as refusal:
        inpaint(pixels, mask, no_networks, model="isnet")
    assert refusal.value.code == "model.other_tool"


def test_inpaint_can_be_cancelled_between_two_tries(no_networks: ModelCache) -> None:
    told: list[float] = []

    def stop(fraction: float, stage: Stage) -> None:
        told.append(fraction)
        if fraction > 0:
            raise JobCancelledError

    pixels, mask = on_meadow()
    with pytest.raises(JobCancelledError):
        inpaint(pixels, mask, no_networks, Report(stop), model=Filler.PATCHMATCH)
    assert told[0] == 0
    assert 0 < told[-1] < 0.9


def bytes_of_a_run(folder: Path, seed: int) -> bytes:
    """A hole, a large hole and a scratch in a photograph."""
    models = ModelCache(WeightStore(folder, load_catalogue()), Settings(_env_file=None))
    mask = np.maximum(disc(512, 512, 90, 400, 24), disc(512, 512, 330, 200, 85))
    cv2.line(mask, (20, 40), (160, 60), 255, 4)
    picture, _ = inpaint(np.ascontiguousarray(data.astronaut()), mask, models, seed=seed)
    return picture.pixels.tobytes()


def test_inpaint_with_another_seed_finds_another_filling(tmp_path: Path) -> None:
    assert bytes_of_a_run(tmp_path, 7) != bytes_of_a_run(tmp_path, 8)


def badge() -> tuple[Picture, Pixels]:
    """Red with a white stripe to be removed, as a disc; under alpha 0 lies black."""
    alpha = disc(160, 160, 80, 80, 60)
    pixels = np.zeros((160, 160, 3), np.uint8)
    red = np.random.default_rng(2).integers(190, 210, (160, 160))
    pixels[alpha > 0] = np.stack((red, red // 8, red // 8), axis=2)[alpha > 0]
    mask = np.zeros((160, 160), np.uint8)
    mask[100:130, 30:130] = 255
    pixels[(mask > 0) & (alpha > 0)] = 255
    return Picture(pixels, alpha), mask


@pytest.mark.parametrize("model", BUILT_IN)
def test_inpaint_takes_nothing_from_under_alpha_zero(model: str, no_networks: ModelCache) -> None:
    picture, mask = badge()
    assert picture.alpha is not None
    result, repainted = inpaint(picture.pixels, mask, no_networks, alpha=picture.alpha, model=model)
    visible = result.pixels[(mask > 0) & (picture.alpha > 0)].astype(int)
    assert visible[:, 0].min() > 150
    assert visible[:, 1].max() < 60
    untouched = repainted == 0
    assert np.array_equal(result.pixels[untouched], picture.pixels[untouched])


def test_inpaint_where_nothing_but_the_hole_is_visible_is_refused(no_networks: ModelCache) -> None:
    picture, _ = badge()
    assert picture.alpha is not None
    with pytest.raises(UserInputError) as refusal:
        inpaint(picture.pixels, picture.alpha, no_networks, alpha=picture.alpha)
    assert refusal.value.code == "inpaint.nothing_to_copy"


@pytest.mark.parametrize("model", [*BUILT_IN, Filler.AUTO])
def test_inpaint_of_one_colour_gives_that_colour(model: str, no_networks: ModelCache) -> None:
    pixels = np.full((120, 150, 3), (118, 60, 144), np.uint8)
    mask = disc(120, 150, 70, 60, 34)
    cv2.line(mask, (5, 5), (140, 12), 255, 3)
    painted = np.where(mask[..., np.newaxis] > 0, np.uint8(255), pixels)
    picture, _ = inpaint(painted, mask, no_networks, model=model)
    assert np.abs(picture.pixels.astype(int) - pixels).max() <= (model == Filler.FREQUENCY)


@pytest.mark.parametrize("model", [Filler.AUTO, Filler.PATCHMATCH])
def test_inpaint_of_a_hole_with_a_rim_of_one_colour_gives_that_colour(
    model: str, no_networks: ModelCache
) -> None:
    page = np.full((200, 240, 3), 250, np.uint8)
    page[20:60] = np.random.default_rng(1).integers(0, 255, (40, 240, 1))
    mask = disc(200, 240, 120, 130, 40)
    report = Report()
    picture, _ = inpaint(page, mask, no_networks, report, model=model)
    assert (picture.pixels[mask > 0] == 250).all()
    assert said(report.notes) == ["Filled one area with the one colour around."]


@pytest.mark.parametrize("seed", range(3))
def test_inpaint_of_an_even_wall_with_independent_noise_stays_even(
    seed: int, no_networks: ModelCache
) -> None:
    colour = np.array((170, 160, 150))
    noise = np.random.default_rng(seed).normal(0, 4, (240, 240, 3))
    wall = np.clip(np.rint(colour + noise), 0, 255).astype(np.uint8)
    mask = disc(240, 240, 120, 120, 50)
    picture, _ = inpaint(wall, mask, no_networks, model=Filler.PATCHMATCH)
    soft = cv2.GaussianBlur(picture.pixels.astype(np.float32), (0, 0), 5)
    assert np.abs(soft - colour)[mask > 0].max() < 2.2
