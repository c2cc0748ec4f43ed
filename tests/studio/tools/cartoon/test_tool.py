"""The runner around the drawing: strength, regions, sizes, re-use. No network runs here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import UserInputError
from studio.imaging.picture import Picture, Pixels
from studio.params import CartoonParams, Look
from studio.params.sheet import SheetLayout
from studio.report import Report
from studio.tools.cartoon.tool import run
from studio.tools.spec import ToolInputs, ToolOutput
from tests.studio.tools.stand_ins import ListedModels, NoModels
from tests.words import said

pytestmark = pytest.mark.slow

PHOTO, DRAWN = 40, 200


def flat(level: int, height: int = 30, width: int = 40) -> Pixels:
    return np.full((height, width, 3), level, np.uint8)


def finish(
    inputs: dict[str, Picture], report: Report | None = None, **params: Any
) -> list[ToolOutput]:
    """Run on a stored render; any touch of a model fails the test."""
    values = CartoonParams(**{"long_side_px": None, **params})
    given_inputs = ToolInputs({role: [picture] for role, picture in inputs.items()})
    return run(given_inputs, values, NoModels(), report or Report())


def finished(inputs: dict[str, Picture], **params: Any) -> Picture:
    return finish(inputs, **params)[0].picture


def both() -> dict[str, Picture]:
    return {"image": Picture(flat(PHOTO)), "render": Picture(flat(DRAWN))}


def left_half(height: int = 30, width: int = 40) -> Pixels:
    alpha = np.zeros((height, width), np.uint8)
    alpha[:, : width // 2] = 255
    return alpha


def test_cartoon_in_full_strength_is_the_render_itself() -> None:
    assert np.array_equal(finished(both(), strength=1).pixels, flat(DRAWN))


def test_cartoon_strength_of_a_tenth_stays_near_the_photograph() -> None:
    level = int(finished(both(), strength=0.1).pixels[0, 0, 0])
    assert level == PHOTO + round((DRAWN - PHOTO) * 0.1**0.75)


def test_cartoon_hands_the_render_back_unchanged() -> None:
    outputs = {output.role: output.picture for output in finish(both(), strength=0.3)}
    assert set(outputs) == {"image", "render"}
    assert np.array_equal(outputs["render"].pixels, flat(DRAWN))


FROM_RENDER = (
    "Not drawn again: the drawing given was used, with the look and seed it was made with."
)


def test_cartoon_from_a_render_says_that_look_and_seed_are_the_render_s() -> None:
    report = Report()
    finish(both(), report, look="comic", seed=7)
    assert said(report.notes) == [FROM_RENDER]


def test_cartoon_of_the_whole_picture_says_that_an_alpha_changed_nothing() -> None:
    report = Report()
    finish({**both(), "alpha": Picture(flat(0), left_half())}, report)
    assert said(report.notes) == [
        FROM_RENDER,
        "The alpha given changed nothing: the whole picture was drawn.",
    ]


@pytest.mark.parametrize(
    ("look", "seed", "notes"),
    [
        ("anime", 7, ["Seed 7 changed nothing: the look anime has no grain or wobble."]),
        ("anime", 0, []),
        ("sketch", 7, []),
    ],
)
def test_cartoon_says_where_the_seed_changed_nothing(
    monkeypatch: pytest.MonkeyPatch, look: str, seed: int, notes: list[str]
) -> None:
    monkeypatch.setattr("studio.tools.cartoon.tool.find_features", lambda *_: [])
    monkeypatch.setattr("studio.tools.cartoon.tool.draw", lambda photo, *_: photo)
    report = Report()
    finish({"image": Picture(flat(PHOTO))}, report, look=look, seed=seed)
    assert said(report.notes) == notes


@pytest.mark.parametrize(("region", "drawn_columns"), [("subject", 0), ("background", 1)])
def test_cartoon_of_a_region_leaves_the_rest_of_the_photograph_untouched(
    region: str, drawn_columns: int
) -> None:
    inputs = {**both(), "alpha": Picture(flat(0), left_half())}

    outputs = finish(inputs, strength=1, region=region)

    halves = np.split(outputs[0].picture.pixels, 2, axis=1)
    assert (halves[drawn_columns] == DRAWN).all()
    assert (halves[1 - drawn_columns] == PHOTO).all()
    assert outputs[-1].role == "alpha"
    assert np.array_equal(outputs[-1].picture.alpha, left_half())


def test_cartoon_of_a_subject_with_a_soft_edge_mixes_there() -> None:
    inputs = {**both(), "alpha": Picture(flat(128))}

    picture = finished(inputs, strength=1, region="subject")

    assert np.abs(picture.pixels.astype(int) - (PHOTO + DRAWN) / 2).max() <= 1


def test_cartoon_without_a_subject_is_refused_when_only_that_is_drawn() -> None:
    inputs = {**both(), "alpha": Picture(flat(0))}
    with pytest.raises(UserInputError) as refusal:
        finish(inputs, region="subject")
    assert refusal.value.code == "cartoon.no_subject"


def test_cartoon_render_of_another_size_is_refused() -> None:
    with pytest.raises(UserInputError) as refusal:
        finish({**both(), "render": Picture(flat(DRAWN, 20, 40))})
    assert refusal.value.code == "cartoon.render_size"


def test_cartoon_alpha_of_another_size_is_refused() -> None:
    with pytest.raises(UserInputError) as refusal:
        finish({**both(), "alpha": Picture(flat(255, 20, 40))}, region="background")
    assert refusal.value.code == "cartoon.alpha_size"


def test_cartoon_keeps_the_transparency_of_the_photograph() -> None:
    inputs = {**both(), "image": Picture(flat(PHOTO), left_half())}
    alpha = finished(inputs).alpha
    assert alpha is not None
    assert np.array_equal(alpha, left_half())


def test_cartoon_of_a_small_photograph_has_the_long_side_asked_for() -> None:
    inputs = {"image": Picture(flat(PHOTO)), "render": Picture(flat(DRAWN, 384, 512))}
    picture = finished(inputs, long_side_px=512)
    assert (picture.width, picture.height) == (512, 384)


def test_cartoon_contact_sheet_is_opaque_and_can_be_weakened_from_its_render() -> None:
    photo = Picture(flat(PHOTO, 300, 400), left_half(300, 400))
    sheet_size = finish_sheet_size(photo)
    render = Picture(flat(DRAWN, *sheet_size))

    picture = finished({"image": photo, "render": render}, look="all", strength=1)

    assert picture.alpha is None
    assert np.array_equal(picture.pixels, render.pixels)


ORANGE, PAPER = (230, 110, 40), (235, 234, 230)


def tone(colour: tuple[int, int, int], height: int = 30, width: int = 40) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def test_cartoon_sketch_at_the_default_strength_has_no_colour_left_but_the_paper_s() -> None:
    inputs = {"image": Picture(tone(ORANGE)), "render": Picture(tone(PAPER))}

    pixels = finished(inputs, look="sketch").pixels[0, 0].astype(int)

    assert np.ptp(pixels) <= np.ptp(PAPER) + 4


def test_cartoon_of_another_look_keeps_the_colour_of_the_photograph_s_share() -> None:
    inputs = {"image": Picture(tone(ORANGE)), "render": Picture(tone(PAPER))}

    pixels = finished(inputs, look="anime").pixels[0, 0].astype(int)

    moved = np.array(ORANGE) + (np.array(PAPER) - ORANGE) * 0.65**0.75
    assert np.abs(pixels - moved).max() <= 1


def test_cartoon_sketch_of_the_subject_leaves_the_colours_around_it() -> None:
    inputs = {
        "image": Picture(tone(ORANGE)),
        "render": Picture(tone(PAPER)),
        "alpha": Picture(flat(0), left_half()),
    }
    pixels = finished(inputs, look="sketch", region="subject").pixels
    assert (pixels[:, 20:] == ORANGE).all()
    assert np.ptp(pixels[0, 0].astype(int)) <= np.ptp(PAPER) + 4


def test_cartoon_contact_sheet_fades_colour_under_the_sketch_alone() -> None:
    photo = Picture(tone(ORANGE, 300, 400))
    layout = SheetLayout.of(400, 300, None)
    width, height = layout.size

    sheet = finished(
        {"image": photo, "render": Picture(tone(PAPER, height, width))}, look="all", strength=0.5
    ).pixels.astype(int)

    colour = {look: np.ptp(sheet[layout.place_of(look)], axis=2) for look in Look}
    assert colour[Look.SKETCH].max() <= 25
    assert all(colour[look].min() > 60 for look in set(Look) - {Look.SKETCH})


@given(
    photo=st.tuples(*[st.integers(0, 255)] * 3),
    light=st.integers(0, 255),
    weaker=st.floats(0.1, 1),
    stronger=st.floats(0.1, 1),
)
@settings(max_examples=200, deadline=None)
def test_cartoon_sketch_only_loses_colour_and_nears_the_drawing_s_light_as_strength_rises(
    photo: tuple[int, int, int], light: int, weaker: float, stronger: float
) -> None:
    """To a level: of luma and of the spread of the channels, each rounded twice."""
    inputs = {"image": Picture(tone(photo, 1, 1)), "render": Picture(flat(light, 1, 1))}
    weak, strong = (
        finished(inputs, look="sketch", strength=strength).pixels[0, 0].astype(float)
        for strength in sorted((weaker, stronger))
    )
    luma = np.array([0.299, 0.587, 0.114])
    assert np.ptp(strong) <= np.ptp(weak) + 2
    assert abs(strong @ luma - light) <= abs(weak @ luma - light) + 2


def finish_sheet_size(photo: Picture) -> tuple[int, int]:

    params = CartoonParams(look="all", long_side_px=None)
    width, height = params.output_size(photo.width, photo.height)
    return height, width


def test_cartoon_in_the_style_of_another_tools_model_is_refused() -> None:
    """Also by one that cartoon itself uses, for something else."""
    with pytest.raises(UserInputError) as refusal:
        run(
            ToolInputs({"image": [Picture(flat(PHOTO))]}),
            CartoonParams(look="isnet"),
            ListedModels(),
            Report(),
        )
    assert refusal.value.code == "model.other_tool"


@given(
    photo=st.integers(0, 255),
    drawn=st.integers(0, 255),
    weaker=st.floats(0.1, 1),
    stronger=st.floats(0.1, 1),
    region=st.sampled_from(["picture", "subject"]),
    alpha=st.integers(11, 255),
)
@settings(max_examples=200, deadline=None)
def test_cartoon_never_comes_back_towards_the_photograph_when_the_strength_rises(
    photo: int, drawn: int, weaker: float, stronger: float, region: str, alpha: int
) -> None:
    weaker, stronger = sorted((weaker, stronger))
    inputs = {
        "image": Picture(flat(photo, 1, 1)),
        "render": Picture(flat(drawn, 1, 1)),
        "alpha": Picture(flat(alpha, 1, 1)),
    }
    levels = [
        int(finished(inputs, strength=strength, region=region).pixels[0, 0, 0])
        for strength in (weaker, stronger)
    ]
    assert abs(levels[0] - photo) <= abs(levels[1] - photo) <= abs(drawn - photo)
