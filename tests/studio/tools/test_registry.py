from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import create_model

from app.runs.addresses import PAGES
from app.web.middleware import Gate
from studio.params import ToolParams, UpscaleParams
from studio.tools.registry import TOOLS, collect, tool_title
from studio.tools.spec import PHOTOGRAPH, BuiltIn, Consent, ToolRole, ToolSpec
from studio.tools.upscale.spec import SPEC


class SharpenParams(UpscaleParams):
    """Those of an added tool."""

    tool: str = "sharpen"  # type: ignore[assignment]


class HidingParams(SharpenParams):
    """Has a field that every command has an option for."""

    out: str = ""


SHARPEN = replace(SPEC, name="sharpen", params=SharpenParams)


def named(name: str) -> ToolSpec:
    """A sound tool, but for its name."""
    params = create_model("NamedParams", __base__=SharpenParams, tool=(str, name))
    return replace(SHARPEN, name=name, params=params)


def with_role(*roles: ToolRole) -> ToolSpec:
    """A sound tool, but for its further roles."""
    return replace(SHARPEN, roles=(PHOTOGRAPH, *roles))


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
        (
            replace(SHARPEN, params=ToolParams),
            "the default of its params' field “tool” must be “sharpen”",
        ),
        (replace(SHARPEN, name="../x"), "“../x” is no name of lower-case letters"),
        (named("s" * 33), "is longer than 32 characters"),
        (named("chain"), "a tool may not be called “chain”"),
        (named("history"), "a tool may not be called “history”"),
        (replace(SHARPEN, name=None), "it cannot be used (TypeError"),
        (replace(SHARPEN, params=dict), "its params must be a class derived from ToolParams"),
        (replace(SHARPEN, params=SharpenParams()), "its params must be a class derived"),
        (replace(SHARPEN, params=HidingParams), "a parameter may not be called “out”"),
        (
            with_role(ToolRole("scale", "Extra", help="Hides a parameter.")),
            "a role may not be called “scale”",
        ),
        (
            with_role(ToolRole("visibility", "Extra", help="Hides a field.")),
            "may not be called “visibility”",
        ),
        (
            with_role(ToolRole("json", "Extra", help="Hides an option.")),
            "a role may not be called “json”",
        ),
        (
            with_role(ToolRole("depth-map", "Extra", help="No name.")),
            "a role may not be called “depth-map”",
        ),
        (
            with_role(ToolRole("class", "Extra", help="A keyword.")),
            "a role may not be called “class”",
        ),
        (with_role(ToolRole("r" * 17, "Extra", help="Too long.")), "is longer than 16 characters"),
        (with_role(PHOTOGRAPH), "two of its roles are called “image”"),
        (with_role("where"), "“roles” of its ToolSpec must be tuple[ToolRole, ...]"),  # type: ignore[arg-type]
        (
            with_role(ToolRole("where", "Where", help=5)),  # type: ignore[arg-type]
            "“help” of its ToolRole must be str",
        ),
        (
            replace(SHARPEN, consent="I agree"),  # type: ignore[arg-type]
            "“consent” of its ToolSpec must be Consent | None",
        ),
        (
            replace(SHARPEN, consent=Consent("Before", "About", None)),  # type: ignore[arg-type]
            "“statement” of its Consent must be str",
        ),
        (
            replace(SHARPEN, built_in=[BuiltIn("x", "X", "A way.", "super-resolution")]),  # type: ignore[arg-type]
            "“built_in” of its ToolSpec must be tuple[BuiltIn, ...]",
        ),
        (
            replace(SHARPEN, built_in=(BuiltIn("x", "X", "A way.", "sharpening"),)),  # type: ignore[arg-type]
            "“task” of its BuiltIn must be Task",
        ),
        (replace(SHARPEN, page="pages/sharpen.py"), "no file of its page, pages/sharpen.py"),
        (replace(SHARPEN, roles=()), "its first role must be required and take one file"),
    ],
)
def test_collect_tool_that_cannot_be_used_is_left_out_naming_package_and_reason(
    monkeypatch: pytest.MonkeyPatch, spec: object, reason: str
) -> None:
    tools, [fault] = collect([SPEC], [added(monkeypatch, spec)])
    assert list(tools) == ["upscale"]
    assert reason in str(fault.message)
    assert "added_package" in str(fault.message)


def test_tool_role_whose_help_stands_where_its_title_should_is_refused() -> None:
    with pytest.raises(TypeError):
        ToolRole("where", "Grey picture; white is sharpened.", "mask")  # type: ignore[misc]


@pytest.mark.parametrize("spec", TOOLS.values(), ids=lambda spec: spec.name)
def test_collect_takes_the_studios_own_tools_as_it_would_anothers(
    monkeypatch: pytest.MonkeyPatch, spec: ToolSpec
) -> None:
    tools, faults = collect([], [added(monkeypatch, spec)])
    assert tools == {spec.name: spec}
    assert not faults


@pytest.mark.parametrize("address", [*PAGES, *(one.strip("/") for one in Gate.OPEN_PREFIXES)])
def test_collect_tool_with_the_address_of_a_page_or_file_is_left_out(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    tools, [fault] = collect([], [added(monkeypatch, named(address))])
    assert not tools
    assert f"a tool may not be called “{address}”" in str(fault.message)


def test_collect_package_that_cannot_be_imported_is_left_out() -> None:
    broken = EntryPoint("sharpen", "there_is_no_such_package:SPEC", "darkroom.tools")
    tools, [fault] = collect([SPEC], [broken])
    assert list(tools) == ["upscale"]
    assert "cannot be used (ModuleNotFoundError" in str(fault.message)


def test_collect_package_that_ends_itself_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ending_package.py").write_text("raise SystemExit('run me as a script')")
    monkeypatch.syspath_prepend(tmp_path)
    tools, [fault] = collect([SPEC], [EntryPoint("sharpen", "ending_package:SPEC", "x")])
    assert list(tools) == ["upscale"]
    assert "cannot be used (SystemExit: run me as a script)" in str(fault.message)


def test_tool_title_of_a_package_that_is_gone_is_the_tools_name() -> None:
    assert tool_title("upscale") == TOOLS["upscale"].title
    assert tool_title("gone") == "gone"
