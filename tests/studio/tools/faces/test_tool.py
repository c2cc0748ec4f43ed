from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest

from app.runs.sample import sample_picture
from studio.imaging.decode import Limits, decode
from studio.imaging.picture import Picture
from studio.models.cache import ModelCache
from studio.params import CutoutParams, FacesParams
from studio.report import Report
from studio.settings import Settings
from studio.tools.faces.tool import run
from studio.tools.pipeline import InputFile, run_tool
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolInputs
from tests.studio.faces.networks import FACE_NETWORKS, FaceModels
from tests.studio.tools.sample_runs import FACE_SEARCH, default_models, head
from tests.words import said

NOISE = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)


def search(models: FaceModels, pixels: np.ndarray = NOISE) -> tuple[Picture, Picture, Report]:
    report = Report()
    image, mask = run(ToolInputs({"image": [Picture(pixels)]}), FacesParams(), models, report)
    assert (image.role, mask.role) == ("image", "mask")
    return image.picture, mask.picture, report


def test_faces_of_a_picture_are_numbered_regions_and_a_mask() -> None:
    image, mask, report = search(FaceModels([(0.5, 0.5, 0.3, 3.0)]))

    (region,) = report.regions
    assert (region.label, str(region.text), region.is_fault) == ("1", "", False)
    assert region.left + region.width / 2 == pytest.approx(0.5, abs=0.02)
    assert region.top + region.height / 2 == pytest.approx(0.5, abs=0.02)
    assert mask.alpha is not None
    assert set(np.unique(mask.alpha[[0, -1]])) == {0}
    assert mask.alpha.max() == 255
    assert not np.array_equal(image.pixels, NOISE)


@pytest.mark.weights(*FACE_SEARCH)
@pytest.mark.usefixtures("need_weights")
def test_faces_under_alpha_zero_are_not_seen() -> None:
    pixels = np.concatenate((head(), head()[:, ::-1]), axis=1)
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    found = []
    for _ in range(2):
        report = Report()
        run(
            ToolInputs({"image": [Picture(pixels, alpha)]}),
            FacesParams(),
            default_models(),
            report,
        )
        found.append([region.left < 0.5 for region in report.regions])
        alpha[:, 256:] = 0
    assert found == [[True, False], [True]]


def test_faces_with_shut_eyes_are_told() -> None:
    *_, report = search(FaceModels([(0.5, 0.5, 0.3, 3.0)], opening=0.1))
    assert [str(region.text) for region in report.regions] == ["eyes closed"]


def test_faces_of_a_picture_without_any_are_no_error_and_the_note_says_why() -> None:
    image, mask, report = search(FaceModels(), NOISE // 8)

    assert report.regions == []
    assert said(report.notes) == [
        "No face was found: it is too dark. Brighten it, or choose another picture."
    ]
    assert mask.alpha is not None
    assert mask.alpha.max() == 0
    assert np.array_equal(image.pixels, NOISE // 8)


@pytest.mark.parametrize("size", [(1, 1), (3000, 17), (17, 3000), (24, 24)])
def test_faces_of_a_picture_of_any_size_keep_it(size: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 3), 128, np.uint8)
    image, mask, _ = search(FaceModels([(0.5, 0.5, 0.9, 3.0)]), pixels)
    assert image.pixels.shape == pixels.shape
    assert mask.alpha is not None
    assert mask.alpha.shape == pixels.shape[:2]


def test_faces_with_other_parameters_are_a_programming_error() -> None:
    with pytest.raises(TypeError, match="FacesParams"):
        run(ToolInputs({"image": [Picture(NOISE)]}), CutoutParams(), FaceModels(), Report())


@pytest.mark.usefixtures("need_weights")
@pytest.mark.weights(*FACE_NETWORKS)
def test_faces_of_the_sample_portrait_are_on_record(installed_models: ModelCache) -> None:
    limits = Limits.from_settings(Settings())
    file = InputFile("image", *sample_picture())

    result = run_tool(
        TOOLS["faces"],
        [file],
        FacesParams(),
        installed_models,
        Report(),
        limits=limits,
        new_file=BytesIO,
        pool=None,
    )

    (region,) = result.record.regions
    assert 0.38 < region.left + region.width / 2 < 0.48
    assert {use.id for use in result.record.weights} == set(FACE_NETWORKS)
    mask = decode(result.outputs[1].file.getvalue(), file_name="mask.png", limits=limits)
    assert mask.pixels[110, 225, 0] == 255, "the face"
    assert mask.pixels[400, 150, 0] == 0, "the suit"
