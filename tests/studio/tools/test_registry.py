from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from studio.params import UpscaleParams
from studio.tools.registry import TOOLS, collect, tool_title
from studio.tools.spec import PHOTOGRAPH, ToolRole, ToolSpec
from studio.tools.upscale.spec import SPEC


class SharpenParams(UpscaleParams):
    """Those of an added tool."""

    tool: str = "sharpen"  # type: ignore[assignment]


SHARPEN = replace(SPEC, name="sharpen", params=SharpenParams)


def added(monkeypatch: pytest.MonkeyPatch, spec: object) -> EntryPoint:
    """The entry point of a package whose module holds ``spec``."""
    module = ModuleType("added_package")
    module.SPEC = spec  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "added_package", module)
    return EntryPoint("sharpen", "added_package:SPEC", "darkroom.tools")


def test_collect_sound_tool_joins_after_the_studios_own(monkeypatch: pytest.MonkeyPatch) -> None:
    tools, faults = collect([SPEC], [added(monkeypatch, SHARPEN)])
    assert list(tools) == ["upscale", "sharpen"]
    assert not faults


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (SPEC, "there is a tool called “upscale” already"),
        ("a word", "it is a str and must be a ToolSpec"),
        (
            replace(SPEC, name="sharpen"),
            "the default of its params' field “tool” must be “sharpen”",
        ),
        (replace(SHARPEN, name="../x"), "“../x” is no name of lower-case letters"),
        (
            replace(SHARPEN, roles=(PHOTOGRAPH, ToolRole("scale", "Hides a parameter."))),
            "a role may not be called “scale”",
        ),
        (
            replace(SHARPEN, roles=(PHOTOGRAPH, ToolRole("visibility", "Hides a field."))),
            "a role may not be called “visibility”",
        ),
        (replace(SHARPEN, roles=()), "its first role must be required and take one file"),
    ],
)
def test_collect_tool_that_cannot_be_used_is_left_out_naming_package_and_reason(
    monkeypatch: pytest.MonkeyPatch, spec: ToolSpec, reason: str
) -> None:
    tools, [fault] = collect([SPEC], [added(monkeypatch, spec)])
    assert list(tools) == ["upscale"]
    assert reason in str(fault.message)
    assert "added_package" in str(fault.message)


def test_collect_package_that_cannot_be_imported_is_left_out() -> None:
    broken = EntryPoint("sharpen", "there_is_no_such_package:SPEC", "darkroom.tools")
    tools, [fault] = collect([SPEC], [broken])
    assert list(tools) == ["upscale"]
    assert "cannot be imported (ModuleNotFoundError" in str(fault.message)


def test_tool_title_of_a_package_that_is_gone_is_the_tools_name() -> None:
    assert tool_title("upscale") == TOOLS["upscale"].title
    assert tool_title("gone") == "gone"
