from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import UserInputError
from studio.params import CutoutParams, FaceswapParams, ToolParams, UpscaleParams
from studio.params.upgrades import Upgrade, renamed, upgrade
from studio.tools.registry import TOOLS, load_params
from tests.studio.params.schemas import schema_digest

FROZEN = Path(__file__).parent / "frozen"
VERSIONS = [
    (tool, version)
    for tool, spec in TOOLS.items()
    for version in range(1, spec.params.version() + 1)
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def frozen(tool: str, version: int) -> dict[str, Any]:
    """What a row of this version holds; such a file is written once and never changed."""
    kept: dict[str, Any] = json.loads((FROZEN / f"{tool}-v{version}.json").read_text("utf-8"))
    return kept


@pytest.mark.parametrize(("tool", "version"), VERSIONS)
def test_load_params_of_every_version_gives_todays(tool: str, version: int) -> None:
    today = TOOLS[tool].params.version()
    loaded = load_params(tool, version, frozen(tool, version)["params"])
    assert loaded.model_dump(mode="json") == frozen(tool, today)["params"]


@pytest.mark.parametrize("tool", TOOLS)
def test_params_whose_fields_changed_have_another_version(tool: str) -> None:
    model = TOOLS[tool].params
    assert schema_digest(model) == frozen(tool, model.version())["schema_sha256"], (
        f"The fields of {model.__name__} are no longer those of version {model.version()}. Add a "
        f"step to its UPGRADES and freeze {tool}-v{model.version() + 1}.json."
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_frozen_params_name_every_field_so_that_none_is_forgotten(tool: str) -> None:
    model = TOOLS[tool].params
    assert frozen(tool, model.version())["params"].keys() == model.model_fields.keys()


class Widened(CutoutParams):
    halo_px: int = 0


class OtherDefault(CutoutParams):
    feather_px: float = 1


@pytest.mark.parametrize("changed", [Widened, OtherDefault])
def test_schema_digest_tells_a_new_field_and_another_default(changed: type[ToolParams]) -> None:
    assert schema_digest(changed) != schema_digest(CutoutParams)


def test_load_params_reads_the_first_names_of_face_restoration() -> None:
    old = {"tool": "faceswap", "enhancer": "gfpgan-1.4", "enhancer_blend": 0.7}
    assert load_params("faceswap", 1, old) == FaceswapParams(
        restore_model="gfpgan-1.4", restore_blend=0.7
    )
    assert load_params("upscale", 1, {"restore_faces": "codeformer"}) == UpscaleParams(
        restore_model="codeformer"
    )


@pytest.mark.parametrize(
    ("tool", "version", "values", "code"),
    [
        ("sepia-of-yesterday", 1, {}, "tool.unknown"),
        ("cutout", 99, {}, "params.newer"),
        ("cutout", 0, {}, "params.damaged"),
        ("cutout", 1, {"no_such_field": 1}, "params.damaged"),
        ("cutout", 1, {"tool": "upscale"}, "params.damaged"),
        ("cutout", 1, None, "params.damaged"),
        ("upscale", 2, {"restore_faces": "codeformer"}, "params.damaged"),
    ],
)
def test_load_params_that_cannot_be_read_say_why(
    tool: str, version: int, values: object, code: str
) -> None:
    with pytest.raises(UserInputError) as refusal:
        load_params(tool, version, values)
    assert refusal.value.code == code


@given(tool=st.sampled_from([*TOOLS, "gone"]), version=st.integers(-2, 5), values=ANY_JSON)
def test_load_params_of_anything_loads_or_refuses(tool: str, version: int, values: object) -> None:
    with suppress(UserInputError):
        assert load_params(tool, version, values).tool == tool


class ThirdParams(ToolParams):
    """A tool on its third version, whose steps trust what they are given."""

    UPGRADES: ClassVar[tuple[Upgrade, ...]] = (
        renamed({"width": "width_px"}),
        lambda values: values | {"width_px": values["width_px"] * 2},
    )
    tool: Literal["upscale"] = "upscale"
    width_px: int = 1


def test_upgrade_takes_only_the_steps_that_are_left() -> None:
    steps = ThirdParams.UPGRADES
    assert upgrade({"width": 3}, 1, steps) == {"width_px": 6}
    assert upgrade({"width_px": 3}, 2, steps) == {"width_px": 6}
    assert upgrade({"width_px": 3}, 3, steps) == {"width_px": 3}


def test_load_params_that_a_step_trips_over_are_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOOLS, "upscale", replace(TOOLS["upscale"], params=ThirdParams))
    with pytest.raises(UserInputError) as refusal:
        load_params("upscale", 1, {})
    assert refusal.value.code == "params.damaged"
