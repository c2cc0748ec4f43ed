from __future__ import annotations

from enum import StrEnum

import pytest
from streamlit.testing.v1 import AppTest

from app.ui.options import OptionForm, label_of, value_of
from studio.errors import UserInputError
from studio.params import (
    CartoonParams,
    CartoonRegion,
    Choice,
    CutoutOutput,
    CutoutParams,
    ImageFormat,
    UpscaleParams,
)
from studio.tools.registry import TOOLS


def _every_field(tool: str) -> None:
    import streamlit as st

    from app.ui.options import OptionForm
    from studio.tools.registry import TOOLS

    form = OptionForm(TOOLS[tool].params, key="form")
    for name in TOOLS[tool].params.model_fields:
        if name not in ("tool", "model", "restore_model"):
            form.ask(name)
    st.json(form.parse().model_dump(mode="json"))


@pytest.mark.parametrize("tool", ["cutout", "upscale"])
def test_form_draws_every_field_and_gives_the_defaults_back(tool: str) -> None:
    page = AppTest.from_function(_every_field, kwargs={"tool": tool}).run()
    assert not page.exception
    params = CutoutParams() if tool == "cutout" else UpscaleParams()
    assert params.model_validate_json(page.json[0].value) == params


def test_form_takes_bounds_title_and_help_from_the_model() -> None:
    page = AppTest.from_function(_every_field, kwargs={"tool": "cutout"}).run()
    slider = page.slider(key="form.shift_px")
    assert (slider.label, slider.min, slider.max, slider.value) == ("Shift", -20, 20, 0)
    assert slider.proto.format == "%.1f px"
    assert slider.help == CutoutParams.model_fields["shift_px"].description
    margin = page.number_input(key="form.crop_margin_px")
    assert (margin.min, margin.max) == (0, 2000)


def test_form_contradiction_is_a_refusal() -> None:
    form = OptionForm(CutoutParams, key="form")
    form.set("format", ImageFormat.JPEG)
    with pytest.raises(UserInputError, match="JPEG cannot be transparent"):
        form.parse()


def test_form_starts_from_an_older_runs_params() -> None:
    stored = {**CutoutParams(feather_px=3).model_dump(mode="json"), "no_longer_there": 1}
    form = OptionForm(CutoutParams, stored, key="form")
    assert form.parse() == CutoutParams(feather_px=3)


def test_titles_are_words_without_units() -> None:
    titles = [
        str(field.title)
        for spec in TOOLS.values()
        for name, field in spec.params.model_fields.items()
        if name not in ("tool", spec.params.METHOD_FIELD)
    ]
    assert not [title for title in titles if {"px", "%", "ratio"} & set(title.split())]


def test_every_choice_of_every_tool_says_how_its_values_read() -> None:
    kinds = [
        kind
        for spec in TOOLS.values()
        for field in spec.params.model_fields.values()
        if isinstance(kind := field.annotation, type) and issubclass(kind, StrEnum)
    ]
    assert kinds
    assert all(issubclass(kind, Choice) for kind in kinds)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("blur_px", 2.0, "2 px"),
        ("scale", 2, "2"),
        ("target_width_px", None, "not set"),
        ("odd_px", True, "yes"),
    ],
)
def test_value_of_names_the_unit_of_numbers(name: str, value: object, text: str) -> None:
    assert value_of(name, value) == text


def test_labels_of_equal_values_are_told_apart() -> None:
    assert CutoutOutput.PICTURE == CartoonRegion.PICTURE
    assert label_of(CutoutOutput.PICTURE) != label_of(CartoonRegion.PICTURE)


def _long_side(value: int | None) -> None:
    import streamlit as st

    from app.ui.options import OptionForm
    from studio.params import CartoonParams

    form = OptionForm(CartoonParams, {"long_side_px": value}, key="form")
    form.ask("long_side_px")
    st.json(form.parse().model_dump(mode="json"))


@pytest.mark.parametrize(("value", "label"), [(512, "512 px"), (None, "not set")])
def test_form_optional_choice_offers_not_set_among_the_others(
    value: int | None, label: str
) -> None:
    page = AppTest.from_function(_long_side, kwargs={"value": value}).run()
    [group] = page.segmented_control
    assert group.value == label
    group.set_value("2048 px").run()
    shown = CartoonParams.model_validate_json(page.json[0].value)
    assert shown.long_side_px == 2048


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (2.0, "2"),
        (0.25, "0.25"),
        (None, "not set"),
        (ImageFormat.WEBP, "WebP"),
        ((0, None, 1), "0, –, and 1"),
    ],
)
def test_label_of_reads_well(value: object, text: str) -> None:
    assert label_of(value) == text
