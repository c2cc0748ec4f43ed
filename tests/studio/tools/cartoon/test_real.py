"""The looks on the default weights, where they are installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studio.errors import JobCancelledError
from studio.imaging.picture import Picture
from studio.models.cache import ModelCache
from studio.params import ALL_LOOKS, CartoonParams, Look
from studio.report import Report
from studio.tools.cartoon.tool import run
from studio.tools.spec import ToolInputs, ToolOutput
from tests.metrics import psnr_db
from tests.studio.tools.sample_runs import portrait
from tests.studio.tools.stand_ins import NoModels

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("need_weights"),
    pytest.mark.weights(
        "blazeface-short",
        "blazeface-full",
        "facemesh",
        "iris-landmark",
        "realesr-animevideov3",
    ),
]


def draw(
    inputs: dict[str, Picture], models: ModelCache | NoModels, **params: Any
) -> list[ToolOutput]:
    values = CartoonParams.model_validate({"long_side_px": None, **params})
    given = ToolInputs({role: [picture] for role, picture in inputs.items()})
    return run(given, values, models, Report())


def test_cartoon_from_its_render_is_what_a_fresh_run_gives(installed_models: ModelCache) -> None:
    photo = Picture(portrait(200))
    first = draw({"image": photo}, installed_models, look="anime", strength=0.9)
    render = next(output.picture for output in first if output.role == "render")

    from_render = draw({"image": photo, "render": render}, NoModels(), look="anime", strength=0.4)
    afresh = draw({"image": photo}, installed_models, look="anime", strength=0.4)

    for one, other in zip(from_render, afresh, strict=True):
        assert one.role == other.role
        assert np.array_equal(one.picture.pixels, other.picture.pixels)


def test_cartoon_of_another_seed_has_other_grain_in_the_same_picture(
    installed_models: ModelCache,
) -> None:
    photo = portrait(160)
    first, second = (
        draw({"image": Picture(photo)}, installed_models, look="sketch", strength=1, seed=seed)[0]
        for seed in (1, 2)
    )
    assert not np.array_equal(first.picture.pixels, second.picture.pixels)
    assert psnr_db(first.picture.pixels, second.picture.pixels) > 25


SIZES = ((1, 1, None), (2, 3, 512), (17, 3000, 512), (3000, 17, None), (90, 40, None))
SHEET_SIZES = ((1, 1, None), (17, 3000, 512))


@pytest.mark.parametrize(
    ("look", "height", "width", "long_side_px"),
    [(look, *size) for look in Look for size in SIZES]
    + [(ALL_LOOKS, *size) for size in SHEET_SIZES],
)
def test_cartoon_of_any_size_answers_at_the_size_it_promised(
    installed_models: ModelCache, look: str, height: int, width: int, long_side_px: int | None
) -> None:
    random = np.random.default_rng(height * width)
    grey = random.integers(0, 256, (height, width, 1), dtype=np.uint8).repeat(3, axis=2)
    alpha = random.integers(0, 256, (height, width), dtype=np.uint8)
    params = CartoonParams(look=look, long_side_px=long_side_px)

    image, render = run(
        ToolInputs({"image": [Picture(grey, alpha)]}), params, installed_models, Report()
    )

    assert (image.picture.width, image.picture.height) == params.output_size(width, height)
    assert image.picture.pixels.dtype == np.uint8
    assert image.picture.pixels.shape == render.picture.pixels.shape
    assert (image.picture.alpha is None) == (look == ALL_LOOKS)


def test_cartoon_can_be_cancelled_at_every_step(installed_models: ModelCache) -> None:
    seen: list[float] = []

    def stop_half_way(fraction: float, _stage: str) -> None:
        seen.append(fraction)
        if fraction > 0.5:
            raise JobCancelledError

    with pytest.raises(JobCancelledError):
        run(
            ToolInputs({"image": [Picture(portrait(160))]}),
            CartoonParams(look="comic", long_side_px=None),
            installed_models,
            Report(stop_half_way),
        )
    assert seen == sorted(seen)
    assert len(seen) >= 5


@pytest.mark.weights("isnet", "blazeface-short", "blazeface-full", "facemesh", "iris-landmark")
def test_cartoon_of_the_subject_leaves_the_wall_as_it_was(installed_models: ModelCache) -> None:
    photo = Picture(portrait())

    image, _, alpha = draw(
        {"image": photo}, installed_models, look="sketch", region="subject", strength=1
    )

    wall = (slice(5, 40), slice(225, 245))
    assert np.array_equal(image.picture.pixels[wall], photo.pixels[wall])
    assert alpha.picture.alpha is not None
    assert alpha.picture.alpha[83, 165] == 255, "the face"
    face = image.picture.pixels[70:95, 150:180].astype(int)
    assert np.ptp(face, axis=2).max() < 20, "graphite has no colour"
