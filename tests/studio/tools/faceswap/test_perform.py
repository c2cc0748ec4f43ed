"""What becomes of a swap, by how far the mesh of the result is off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studio.errors import UserInputError
from studio.faces.face import Face, Points
from studio.imaging.picture import Pixels
from studio.params import MESH, FaceswapParams
from studio.report import Report
from studio.tools.faceswap import perform as module
from studio.tools.faceswap.choose import Swap
from studio.tools.faceswap.perform import perform
from studio.tools.faceswap.portrait import Portrait
from tests.studio.tools.faceswap.faces import astronaut, make_face, spectacled
from tests.words import said


class AnyModels:
    def open(self, _model_id: str, _report: Report) -> None:
        return None


def invert(pixels: Pixels, _target: Portrait, _source: Portrait) -> Pixels:
    return 255 - pixels


def perform_with(
    monkeypatch: pytest.MonkeyPatch,
    *shifts: float,
    target: Portrait | None = None,
    source: Face | None = None,
    is_warp: bool = False,
    occlusion: bool = True,
) -> tuple[Pixels, Report]:
    """Invert the astronaut once a shift; the mesh found after is off by it."""
    me = target or astronaut()
    left = iter(shifts)

    def refit(_model: Any, _pixels: Pixels, mesh: Points) -> Points:
        return mesh + np.array([next(left) * me.face.eye_distance_px, 0, 0], np.float32)

    monkeypatch.setattr(module, "refit_mesh", refit)
    report = Report()
    pixels, _ = perform(
        [Swap(index, 0) for index in range(len(shifts))],
        [me] * len(shifts),
        {0: Portrait(astronaut().pixels, source or me.face)},
        invert,
        FaceswapParams(model=MESH if is_warp else "inswapper-128", occlusion=occlusion),
        AnyModels(),  # type: ignore[arg-type]
        report,
    )
    return pixels, report


def test_perform_with_a_good_result_says_how_far_it_is_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels, report = perform_with(monkeypatch, 0.018)

    assert np.array_equal(pixels, 255 - astronaut().pixels)
    assert [str(region.text) for region in report.regions] == ["swapped, 1.8% off"]
    assert said(report.notes) == []


def test_perform_with_a_doubtful_result_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    _, report = perform_with(monkeypatch, 0.034)

    [note] = said(report.notes)
    assert note.startswith("Face 1 came out 3.4% off")


def test_perform_takes_a_bad_result_back_and_keeps_the_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels, report = perform_with(monkeypatch, 0.01, 0.06)

    assert np.array_equal(pixels, 255 - astronaut().pixels), "inverted once"
    assert [region.is_fault for region in report.regions] == [False, True]
    assert (
        "Face 2 was left as it was: with source 1 its features end up 6.0% off"
        in said(report.notes)[0]
    )


def test_perform_with_bad_results_alone_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserInputError) as refusal:
        perform_with(monkeypatch, 0.06)

    assert refusal.value.code == "faceswap.no_usable_face"
    assert [region.is_fault for region in refusal.value.regions] == [True]


def test_perform_says_once_what_is_wrong_with_many_faces_and_how_to_mend_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, tiny = astronaut().face, make_face(astronaut().face.mesh * np.float32(0.2))
    with pytest.raises(UserInputError) as refusal:
        perform_with(
            monkeypatch, *[0.01] * 3, target=Portrait(astronaut().pixels, tiny), source=whole
        )

    assert str(refusal.value.reason).count("too small") == 1
    assert "Faces 1, 2, and 3: too small" in str(refusal.value.reason)
    assert str(refusal.value.remedy) == "Enlarge the picture first, or choose larger faces."
    assert [region.label for region in refusal.value.regions] == ["1", "2", "3"]


def test_perform_minds_the_sources_eyes_only_when_they_are_warped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shut = make_face(astronaut().face.mesh, right_open=False)

    warped = perform_with(monkeypatch, 0.01, source=shut, is_warp=True)[1]
    drawn = perform_with(monkeypatch, 0.01, source=shut, is_warp=False)[1]

    assert said(warped.notes) == [
        "Source 1 has closed eyes, so the eyes of the other face are kept.",
        "Face 1 keeps its mouth (it is open).",
    ]
    assert drawn.notes == []


@pytest.mark.parametrize(
    ("occlusion", "fate"),
    [(True, "stay, with its eyes"), (False, "smear: what covers it is not kept")],
)
def test_perform_says_what_becomes_of_glasses_on_the_face_that_is_warped(
    monkeypatch: pytest.MonkeyPatch, *, occlusion: bool, fate: str
) -> None:
    target = spectacled()
    _, report = perform_with(monkeypatch, 0.01, target=target, is_warp=True, occlusion=occlusion)

    assert f"Face 1 seems to wear glasses, which {fate}." in said(report.notes)
