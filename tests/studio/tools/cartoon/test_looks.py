"""Drawing with a network that only repeats pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.imaging.picture import Pixels
from studio.params import Look
from studio.report import Report
from studio.tools.cartoon import looks
from studio.tools.cartoon.looks import draw, small_side
from studio.tools.cartoon.recipes import RECIPES
from tests.studio.tools.cartoon.people import make_face
from tests.studio.tools.stand_ins import NearestModels, NoModels
from tests.words import said


def ramp(height: int = 120, width: int = 200) -> Pixels:
    y, x = np.mgrid[:height, :width]
    planes = (x * 255 / width, y * 255 / height, (x + y) * 255 / (width + height))
    return np.stack(planes, axis=2).astype(np.uint8)


def test_small_picture_shows_a_large_face_at_the_size_of_the_recipe() -> None:
    recipe = RECIPES[Look.ANIME]
    side_px = small_side(1024, [make_face(size_px=125)], recipe)
    assert 125 * side_px / 1024 == pytest.approx(recipe.face_px, abs=0.2)


@pytest.mark.parametrize(("longest_px", "size_px"), [(1024, 10), (1024, 900), (64, 20), (1, 1)])
def test_small_picture_stays_within_its_bounds(longest_px: int, size_px: float) -> None:
    recipe = RECIPES[Look.COMIC]
    side_px = small_side(longest_px, [make_face(size_px=size_px)], recipe)
    assert 1 <= side_px <= min(recipe.most_px, max(0.75 * longest_px, 1))


@pytest.mark.parametrize("look", list(Look))
def test_draw_answers_at_the_size_of_the_picture_with_rising_progress(look: Look) -> None:
    seen: list[float] = []

    drawn = draw(
        ramp(),
        [make_face(size_px=40)],
        look,
        0,
        NearestModels(2, 3, 4),
        Report(lambda f, _: seen.append(f)),
    )

    assert drawn.shape == ramp().shape
    assert drawn.dtype == np.uint8
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_draw_a_picture_too_large_for_strokes_says_at_what_size_it_drew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looks, "LARGEST_DRAWING_PX", 100)
    report = Report()

    drawn = draw(ramp(), [], Look.SKETCH, 0, NoModels(), report)

    assert drawn.shape == ramp().shape
    assert said(report.notes) == ["Drawn at 100 px and enlarged to 200 px."]


@pytest.mark.parametrize("look", list(Look))
def test_draw_has_no_frame_along_the_border_of_an_even_picture(look: Look) -> None:
    """Hand-drawn pictures have a border of paper on purpose."""
    grey = np.full((120, 160, 3), 150, np.uint8)

    drawn = draw(grey, [], look, 0, NearestModels(2, 3, 4), Report()).astype(int)

    if look is not Look.HANDDRAWN:
        inner = np.median(drawn, axis=(0, 1))
        rim = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
        assert np.abs(np.median(rim, axis=0) - inner).max() <= 3
    else:
        assert np.median(drawn[[0, -1]]) > 220


@pytest.mark.parametrize("look", list(Look))
@pytest.mark.parametrize("level", [0, 128, 255])
def test_draw_a_plain_page_keeps_it_plain_and_about_as_light(look: Look, level: int) -> None:
    """Paper has a grain, and graphite is no black."""
    page = np.full((120, 160, 3), level, np.uint8)

    drawn = draw(page, [], look, 0, NearestModels(2, 3, 4), Report())

    middle = drawn[20:-20, 20:-20].astype(int)
    assert middle.std() < 10
    least, most = {0: (0, 80), 128: (100, 225), 255: (240, 255)}[level]
    assert least <= np.median(middle) <= most


def test_draw_a_white_page_with_a_signature_leaves_the_paper_white() -> None:
    page = np.full((300, 400, 3), 255, np.uint8)
    cv2.line(page, (150, 160), (240, 140), (20, 20, 60), 2)

    drawn = draw(page, [], Look.SKETCH, 0, NoModels(), Report())

    assert np.median(drawn) > 240
    assert drawn[145:155, 190:200].min() < 120
