from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.models.catalogue import load_catalogue
from studio.params import CartoonParams, CutoutParams, Look, ToolParams
from studio.tools.registry import TOOLS
from studio.tools.reuse import deciding_models, reuse_key
from studio.tools.spec import ToolSpec

CUTOUT, CARTOON = TOOLS["cutout"], TOOLS["cartoon"]
INPUTS = {"image": ["a" * 64]}
WEIGHTS = {"isnet/isnet.onnx": "b" * 64}
REUSING = [spec for spec in TOOLS.values() if spec.reuse]
OTHER_VALUES: dict[str, dict[str, Any]] = {
    "cutout": {
        "format": "webp", "quality": 80, "model": "u2net", "output": "mask", "colour": "#000000",
        "blur_px": 3, "feather_px": 1, "shift_px": 1, "despill": False, "keep_largest": True,
        "matting": True, "foreground_threshold": 200, "background_threshold": 20,
        "erode_size_px": 3, "shadow": True, "shadow_x_px": 1, "shadow_y_px": 1,
        "shadow_blur_px": 1, "shadow_opacity": 0.1, "shadow_colour": "#ffffff", "outline_px": 2,
        "outline_colour": "#000000", "crop": True, "crop_margin_px": 1,
    },
    "cartoon": {
        "format": "webp", "quality": 80, "look": "sketch", "strength": 0.2, "long_side_px": 512,
        "region": "subject", "seed": 1,
    },
}  # fmt: skip
DECIDING = {"cutout": {"model"}, "cartoon": {"look", "long_side_px", "seed"}}


def key(spec: ToolSpec, params: ToolParams, **changed: Any) -> str | None:
    return reuse_key(spec, params, changed.get("inputs", INPUTS), changed.get("weights", WEIGHTS))


@pytest.mark.parametrize("spec", REUSING, ids=lambda spec: spec.name)
def test_key_changes_with_each_parameter_that_is_not_free(spec: ToolSpec) -> None:
    others = OTHER_VALUES[spec.name]
    assert others.keys() == spec.params.model_fields.keys() - {"tool"}
    usual = key(spec, spec.params())  # type: ignore[call-arg]  # every tool names itself
    changed = {
        name
        for name, value in others.items()
        if key(spec, spec.params.model_validate({name: value})) != usual
    }
    assert changed == DECIDING[spec.name]


@pytest.mark.parametrize("spec", REUSING, ids=lambda spec: spec.name)
def test_what_is_free_is_there(spec: ToolSpec) -> None:
    assert spec.reuse is not None
    assert set(spec.reuse.free_params) <= spec.params.model_fields.keys()
    assert {spec.reuse.role, *spec.reuse.free_roles} <= {role.name for role in spec.roles}


class Widened(CutoutParams):
    """A release that has added a field and has not thought about re-use."""

    halo_px: int = 0


def test_key_changes_when_the_tool_gets_a_field() -> None:
    assert key(CUTOUT, Widened()) != key(CUTOUT, CutoutParams())
    assert key(CUTOUT, Widened(halo_px=1)) != key(CUTOUT, Widened())


def test_key_changes_with_tool_version_files_and_weights() -> None:
    params = CutoutParams()
    keys = {
        key(CUTOUT, params),
        key(replace(CUTOUT, version=CUTOUT.version + 1), params),
        key(CUTOUT, params, inputs={"image": ["c" * 64]}),
        key(CUTOUT, params, inputs={"image": ["a" * 64, "c" * 64]}),
        key(CUTOUT, params, inputs={**INPUTS, "hint": ["c" * 64]}),
        key(CUTOUT, params, weights={"isnet/isnet.onnx": "c" * 64}),
        key(CUTOUT, params, weights={"isnet/isnet.onnx": None}),
        key(CUTOUT, params, weights={}),
    }
    assert len(keys) == 8
    assert None not in keys


def test_key_is_the_same_whatever_a_free_role_is_given() -> None:
    inputs = {**INPUTS, "background": ["c" * 64]}
    assert key(CUTOUT, CutoutParams(), inputs=inputs) == key(CUTOUT, CutoutParams())


def test_key_of_a_run_that_took_the_output_over_is_none() -> None:
    assert key(CUTOUT, CutoutParams(), inputs={**INPUTS, "alpha": ["c" * 64]}) is None
    assert key(TOOLS["upscale"], TOOLS["upscale"].params()) is None  # type: ignore[call-arg]


def test_deciding_models_are_the_chosen_one_and_its_helpers() -> None:
    catalogue = load_catalogue()
    [chosen] = deciding_models(CUTOUT, CutoutParams(model="u2net"), catalogue)
    assert chosen.id == "u2net"
    for look, styles in ((Look.ANIME, set()), ("dct-net-anime", {"dct-net-anime"})):
        models = deciding_models(CARTOON, CartoonParams(look=look), catalogue)
        assert {model.id for model in models if model.task == "cartoon"} == styles
        assert {"isnet", "blazeface-short", "realesr-animevideov3"} <= {m.id for m in models}


def test_deciding_models_of_an_unknown_method_are_all_of_the_tool() -> None:
    catalogue = load_catalogue()
    models = deciding_models(CUTOUT, CutoutParams(model="no-such-net"), catalogue)
    assert models == catalogue.for_tool("cutout")
