from __future__ import annotations

import pytest

from studio.errors import UserInputError
from studio.models.catalogue import ModelSpec
from studio.params import CutoutParams, ImageFormat, UpscaleParams
from studio.tools.estimate import (
    PastRun,
    estimate_seconds,
    require_inputs_fit,
    require_output_fits,
)
from tests.studio.models.networks import plain_matting
from tests.studio.models.weight_factories import make_file, make_model


def full_size_model(gmac_per_megapixel: float | None = 100.0) -> ModelSpec:
    return make_model(make_file(), gmac_per_megapixel=gmac_per_megapixel)


def fixed_size_model(gmac_per_megapixel: float | None = 100.0) -> ModelSpec:
    contract = plain_matting(size_px=(1024, 1024))
    return make_model(make_file(), contract=contract, gmac_per_megapixel=gmac_per_megapixel)


def past_run(megapixels: float, run_s: float, handling_s: float = 0.0) -> PastRun:
    return PastRun(megapixels=megapixels, run_s=run_s, handling_s=handling_s)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (CutoutParams(), (300, 200)),
        (UpscaleParams(scale=3), (900, 600)),
        (UpscaleParams(target_width_px=450), (450, 300)),
        (UpscaleParams(target_width_px=301), (301, 201)),
    ],
)
def test_output_size_follows_the_params(
    params: CutoutParams | UpscaleParams, expected: tuple[int, int]
) -> None:
    assert params.output_size(300, 200) == expected


def test_output_size_of_a_flat_picture_keeps_a_row() -> None:
    assert UpscaleParams(target_width_px=301).output_size(300, 1) == (301, 1)


@pytest.mark.parametrize("target_width_px", [1, 299, 300])
def test_output_size_target_that_does_not_enlarge_is_refused(target_width_px: int) -> None:
    with pytest.raises(UserInputError, match="more than 300 px") as refusal:
        UpscaleParams(target_width_px=target_width_px).output_size(300, 200)
    assert refusal.value.code == "upscale.not_larger"


def test_require_output_fits_names_the_size_that_is_too_large() -> None:
    with pytest.raises(UserInputError, match="12,000 × 8,000 px, 96 megapixels") as refusal:
        require_output_fits(UpscaleParams(scale=4), 3000, 2000, max_pixels=80_000_000)
    assert refusal.value.code == "output.too_many_pixels"
    assert str(refusal.value.remedy) == "Choose a smaller scale or target width."
    require_output_fits(UpscaleParams(scale=3), 3000, 2000, max_pixels=80_000_000)


def test_require_output_fits_of_a_tool_that_does_not_enlarge_speaks_of_no_scale() -> None:
    with pytest.raises(UserInputError) as refusal:
        require_output_fits(CutoutParams(), 3000, 2000, max_pixels=1_000_000)
    remedy = "Take a smaller picture, or options that give a smaller result."
    assert str(refusal.value.remedy) == remedy


def test_require_output_fits_knows_that_webp_ends_sooner_than_png() -> None:
    params = UpscaleParams(scale=4, format=ImageFormat.WEBP)
    with pytest.raises(UserInputError, match="WEBP") as refusal:
        require_output_fits(params, 5000, 10, max_pixels=80_000_000)
    assert refusal.value.code == "format.too_small"
    assert str(refusal.value.remedy) == "Choose PNG, or options that give a smaller result."
    require_output_fits(UpscaleParams(scale=4), 5000, 10, max_pixels=80_000_000)


def test_require_inputs_fit_takes_four_times_the_pixels_of_one_picture() -> None:
    require_inputs_fit(4_000_000, "a.jpg", max_pixels=1_000_000)
    with pytest.raises(UserInputError, match=r"^a\.jpg: .* 5 megapixels together") as refusal:
        require_inputs_fit(5_000_000, "a.jpg", max_pixels=1_000_000)
    assert refusal.value.code == "inputs.too_many_pixels"


def test_estimate_without_any_run_says_so() -> None:
    estimate = estimate_seconds(full_size_model(), 1.0, past=[])

    assert estimate is None


@pytest.mark.parametrize("gmac", [100.0, None])
def test_estimate_grows_with_the_picture_for_a_network_that_works_at_full_size(
    gmac: float | None,
) -> None:
    past = [past_run(0.5, 5.0, 0.1), past_run(1.0, 10.0, 0.2), past_run(1.0, 90.0, 0.2)]

    estimate = estimate_seconds(full_size_model(gmac), 2.0, past)

    assert estimate is not None
    assert estimate.seconds == pytest.approx(20.4)
    assert estimate.is_same_model


@pytest.mark.parametrize("gmac", [100.0, None])
def test_estimate_of_a_fixed_size_network_grows_only_by_decoding_and_encoding(
    gmac: float | None,
) -> None:
    estimate = estimate_seconds(fixed_size_model(gmac), 20.0, [past_run(1.0, 3.0, 0.1)])

    assert estimate is not None
    assert estimate.seconds == pytest.approx(3.0 + 20 * 0.1)


def test_estimate_from_another_network_scales_by_multiply_adds() -> None:
    slow, fast = full_size_model(1000.0), full_size_model(50.0)

    estimate = estimate_seconds(slow, 1.0, [], [(fast, past_run(1.0, 2.0, 0.5))])

    assert estimate is not None
    assert estimate.seconds == pytest.approx(2.0 * 20 + 0.5)
    assert not estimate.is_same_model


def test_estimate_of_unmeasured_cost_is_not_guessed_from_other_networks() -> None:
    others = [(full_size_model(50.0), past_run(1.0, 2.0))]

    assert estimate_seconds(full_size_model(None), 1.0, [], others) is None


def test_past_run_reads_the_stages_and_leaves_loading_out() -> None:
    run = PastRun.from_stages({"decode": 0.5, "load": 9, "run": 2, "encode": 0.25}, 1.5)

    assert run == PastRun(megapixels=1.5, run_s=2, handling_s=0.75)
