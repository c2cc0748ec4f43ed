from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from studio.errors import UserInputError
from studio.params import CutoutParams
from studio.tools.registry import TOOLS, parse_params


@pytest.mark.parametrize(
    "value", ["123", 123, "red", "#12345", "#1234567", "#12345g", "#ffffff\n", "", None]
)
@pytest.mark.parametrize("field", ["colour", "shadow_colour", "outline_colour"])
def test_colour_that_is_none_is_refused_with_how_to_write_one(field: str, value: object) -> None:
    with pytest.raises(UserInputError) as refusal:
        parse_params("cutout", {field: value})
    assert str(refusal.value.reason) == f"{field}: write a colour as #rrggbb, such as #2a9d8f"


def test_colour_of_either_case_is_kept_as_written() -> None:
    assert parse_params("cutout", {"colour": "#2A9d8f"}).model_dump()["colour"] == "#2A9d8f"


def test_colour_is_described_to_clients_with_its_pattern() -> None:
    described = CutoutParams.model_json_schema()["properties"]["colour"]
    assert described["pattern"] == "^#[0-9a-fA-F]{6}$"
    assert described["type"] == "string"


def test_parse_params_counts_the_items_of_a_list_from_one() -> None:
    with pytest.raises(UserInputError, match=r"^faces, item 2: this must be 1 or more"):
        parse_params("faceswap", {"faces": [1, 0]})


def deep(levels: int) -> object:
    return [deep(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    ("tool", "values"),
    [
        ("upscale", {"restore_model": "\ud800"}),
        ("upscale", {"model": "a\0b"}),
        ("upscale", {"model": "m" * 65}),
        ("upscale", {"restore_model": "m" * 1_000_000}),
        ("cutout", {"model": "\x1b[31m"}),
        ("faceswap", {"faces": deep(900)}),
        ("faceswap", {"restore_model": "m" * 65}),
        ("cartoon", {"look": "l" * 65}),
        ("inpaint", {"model": "\u2028" * 2000}),
        ("upscale", {"k" * 500_000: 1}),
        ("upscale", {"\ud800": 1}),
        ("upscale", {"tool": "t" * 500_000}),
    ],
)
def test_params_with_texts_that_cannot_be_stored_are_refused_in_a_short_sentence(
    tool: str, values: dict[str, object]
) -> None:
    with pytest.raises(UserInputError) as refusal:
        parse_params(tool, values)
    assert refusal.value.code == "params.invalid"
    assert len(str(refusal.value).encode()) < 400


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("tool", TOOLS)
def test_every_number_of_every_tool_is_finite(tool: str, value: float) -> None:
    for name, field in TOOLS[tool].params.model_fields.items():
        if field.annotation in (float, float | None):
            with pytest.raises(UserInputError, match=f"^{name}: this must be"):
                parse_params(tool, {name: value})


SHADOW = {"shadow_x_px", "shadow_y_px", "shadow_blur_px", "shadow_opacity", "shadow_colour"}
NETWORK_SWAP = {"mask_blur", "mask_padding", "pixel_boost_px"}
RESTORATION = {"restore_blend", "restore_fidelity"}


@pytest.mark.parametrize(
    ("tool", "off", "on", "dependants"),
    [
        ("upscale", {}, {"format": "webp"}, {"quality"}),
        ("upscale", {"target_width_px": 400}, {}, {"scale"}),
        ("upscale", {"model": "interpolation"}, {}, {"denoise"}),
        ("upscale", {}, {"restore_model": "codeformer"}, RESTORATION),
        ("cutout", {}, {"output": "colour"}, {"colour"}),
        ("cutout", {}, {"output": "blur"}, {"blur_px"}),
        (
            "cutout",
            {},
            {"matting": True},
            {"foreground_threshold", "background_threshold", "erode_size_px"},
        ),
        ("cutout", {}, {"shadow": True}, SHADOW),
        ("cutout", {}, {"outline_px": 3}, {"outline_colour"}),
        ("cutout", {}, {"crop": True}, {"crop_margin_px"}),
        (
            "cutout",
            {"output": "mask", "shadow": True, "outline_px": 3},
            {"shadow": True, "outline_px": 3},
            {"despill", "shadow", *SHADOW, "outline_px", "outline_colour"},
        ),
        ("inpaint", {}, {"preset": "corner"}, {"corner", "preset_size_ratio"}),
        ("inpaint", {"preset": "centre"}, {"preset": "corner"}, {"corner"}),
        ("faceswap", {"faces": [1]}, {}, {"choice"}),
        ("faceswap", {}, {"choice": "likeness"}, {"likeness"}),
        ("faceswap", {}, {"model": "inswapper"}, NETWORK_SWAP),
        ("faceswap", {"model": "inswapper"}, {}, {"shape"}),
        ("faceswap", {}, {"restore_model": "codeformer"}, RESTORATION),
    ],
)
def test_params_without_effect_are_those_of_what_is_off(
    tool: str, off: dict[str, object], on: dict[str, object], dependants: set[str]
) -> None:
    unused_off, unused_on = (
        parse_params(tool, values).without_effect().keys() for values in (off, on)
    )
    assert unused_off - unused_on == dependants


@pytest.mark.parametrize("tool", TOOLS)
def test_params_without_effect_are_fields_of_the_tool(tool: str) -> None:
    params = parse_params(tool, {})
    assert params.without_effect().keys() <= type(params).model_fields.keys()


@pytest.mark.parametrize(
    ("tool", "values", "role", "code"),
    [
        ("cutout", {"output": "picture"}, "background", "cutout.background_missing"),
        ("faceswap", {"choice": "likeness"}, "reference", "faceswap.reference_missing"),
    ],
)
def test_params_lack_the_file_that_they_ask_for(
    tool: str, values: dict[str, object], role: str, code: str
) -> None:
    params = parse_params(tool, values)
    lack = params.lacks({"image"})
    assert lack is not None
    assert lack.code == code
    assert params.lacks({"image", role}) is None
    assert parse_params(tool, {}).lacks({"image"}) is None


@pytest.mark.parametrize("tool", TOOLS)
def test_every_text_of_every_tool_is_looked_at(tool: str) -> None:
    params = TOOLS[tool].params
    for name, field in params.model_fields.items():
        if field.annotation in (str, str | None) and name != "tool":
            with pytest.raises(ValidationError):
                params.model_validate({name: "\0"})
