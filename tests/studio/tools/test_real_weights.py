"""The default weights on a real portrait, where they are installed."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from app.runs.sample import sample_picture
from studio.imaging.decode import Limits, decode
from studio.imaging.fidelity import hold_to_source
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.models.cache import ModelCache
from studio.models.superres import enlarge
from studio.params import CutoutParams, ToolParams, UpscaleParams
from studio.report import Report
from studio.settings import Settings
from studio.tools.pipeline import InputFile, RunResult, run_tool
from studio.tools.registry import TOOLS
from tests.metrics import psnr_db
from tests.studio.tools.stand_ins import NoModels

LIMITS = Limits.from_settings(Settings())

pytestmark = [pytest.mark.usefixtures("need_weights"), pytest.mark.slow]


def portrait() -> InputFile:
    return InputFile("image", *sample_picture())


def face() -> Image.Image:
    return Image.open(BytesIO(sample_picture()[1])).crop((170, 20, 290, 140))


def as_png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def run(
    files: list[InputFile], params: ToolParams, models: ModelCache | NoModels
) -> RunResult[BytesIO]:
    tool = "cutout" if isinstance(params, CutoutParams) else "upscale"
    return run_tool(
        TOOLS[tool], files, params, models, Report(), limits=LIMITS, new_file=BytesIO, pool=None
    )


@pytest.mark.weights("isnet")
def test_cutout_of_a_portrait_keeps_the_person_and_drops_the_wall(
    installed_models: ModelCache,
) -> None:
    result = run([portrait()], CutoutParams(), installed_models)

    alpha = decode(result.outputs[0].file.getvalue(), file_name="cut.png", limits=LIMITS).alpha
    assert alpha is not None
    assert alpha[110, 225] == 255, "the face"
    assert alpha[400, 150] == 255, "the suit"
    assert alpha[:200, :60].max() == 0, "the flag"
    assert alpha[:200, 400:].max() == 0, "the shuttle"
    [use] = result.record.weights
    assert use.id == "isnet"


@pytest.mark.weights("isnet")
def test_cutout_edited_with_its_stored_alpha_is_what_a_fresh_run_gives(
    installed_models: ModelCache,
) -> None:
    first = run([portrait()], CutoutParams(), installed_models)
    stored = InputFile("alpha", "alpha.png", first.outputs[1].file.getvalue())
    edited = CutoutParams(output="colour", colour="#204060", feather_px=1.5, shift_px=-1)

    from_alpha = run([portrait(), stored], edited, NoModels())
    afresh = run([portrait()], edited, installed_models)

    pictures = [
        decode(result.outputs[0].file.getvalue(), file_name="cut.png", limits=LIMITS).pixels
        for result in (from_alpha, afresh)
    ]
    assert np.array_equal(*pictures)
    assert from_alpha.record.weights == []


@pytest.mark.weights("isnet")
def test_cutout_of_dark_hair_before_a_bright_wall_loses_the_walls_rim(
    installed_models: ModelCache,
) -> None:
    """On black, what soft edges show is hair alone: far darker than with the wall mixed in."""
    first = run([portrait()], CutoutParams(), installed_models)
    stored = InputFile("alpha", "alpha.png", first.outputs[1].file.getvalue())
    alpha = decode(stored.data, file_name="alpha.png", limits=LIMITS).pixels[..., 0]
    is_rim = np.zeros(alpha.shape, bool)
    is_rim[10:60, 160:300] = (alpha[10:60, 160:300] > 30) & (alpha[10:60, 160:300] < 225)

    def rim_brightness(*, despill: bool) -> float:
        params = CutoutParams(output="colour", colour="#000000", despill=despill)
        result = run([portrait(), stored], params, NoModels())
        picture = decode(result.outputs[0].file.getvalue(), file_name="cut.png", limits=LIMITS)
        return float(picture.pixels[is_rim].mean())

    assert rim_brightness(despill=True) < 0.8 * rim_brightness(despill=False)


@pytest.mark.weights("realesr-animevideov3")
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_upscale_of_a_face_is_close_to_the_original(
    installed_models: ModelCache, scale: int
) -> None:
    original = np.asarray(face().convert("RGB"))
    small = as_png(Image.fromarray(resample(original, 120 // scale, 120 // scale)))

    result = run(
        [InputFile("image", "face.png", small)], UpscaleParams(scale=scale), installed_models
    )

    enlarged = decode(result.outputs[0].file.getvalue(), file_name="face.png", limits=LIMITS)
    assert enlarged.pixels.shape == original.shape
    assert psnr_db(enlarged.pixels, original) > 20


@pytest.mark.weights("realesrgan-x4plus-anime")
def test_upscale_x2_by_an_x4_network_is_its_result_reduced_and_held_to_the_source(
    installed_models: ModelCache,
) -> None:
    small = InputFile("image", "face.png", as_png(face().resize((40, 40))))
    source = decode(small.data, file_name="face.png", limits=LIMITS).pixels
    network = installed_models.open("realesrgan-x4plus-anime", Report(), scale=4)

    result = run([small], UpscaleParams(scale=2, model=network.spec.id), installed_models)

    four_times = enlarge(network, source, Report())
    reduced = np.rint(block_means(four_times, 2)).astype(np.uint8)
    hold_to_source(reduced, source)
    twice = decode(result.outputs[0].file.getvalue(), file_name="face.png", limits=LIMITS).pixels
    assert np.abs(twice.astype(int) - reduced).max() <= 1


@pytest.mark.weights("realesrgan-x4plus-anime")
@pytest.mark.parametrize("scale", [2, 4])
def test_upscale_by_a_network_shifts_no_level_of_the_source(
    installed_models: ModelCache, scale: int
) -> None:
    """Around each pixel, five to a side; the bare network is 4 levels off, and 18 at worst."""
    small = InputFile("image", "face.png", as_png(face().resize((40, 40))))
    source = decode(small.data, file_name="face.png", limits=LIMITS).pixels

    params = UpscaleParams(scale=scale, model="realesrgan-x4plus-anime")
    result = run([small], params, installed_models)

    large = decode(result.outputs[0].file.getvalue(), file_name="face.png", limits=LIMITS).pixels
    shifts = np.abs(cv2.blur(block_means(large, scale) - source, (5, 5)))
    assert shifts.mean() < 2
    assert shifts.max() < 12


def block_means(pixels: Pixels, side_px: int) -> Any:
    """The mean of each block, ``float64 (H / side_px, W / side_px, 3)``."""
    height, width = (length // side_px for length in pixels.shape[:2])
    return pixels.reshape(height, side_px, width, side_px, 3).mean(axis=(1, 3))
