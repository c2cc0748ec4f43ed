"""docs/tools.md against the parameter models."""

from __future__ import annotations

import re

import pytest
from pydantic.fields import FieldInfo

from studio.settings import ROOT
from studio.tools.registry import TOOLS
from studio.tools.spec import ToolSpec

DOCS = ROOT / "docs"
SHARED = {"tool", "format", "quality"}
TEXT = (DOCS / "tools.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))
PICTURES = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
FIELDS = [
    (spec, name, field)
    for spec in TOOLS.values()
    for name, field in spec.params.model_fields.items()
    if name not in SHARED
]


def _default(field: FieldInfo) -> str:
    """As the tables write it."""
    match field.default:
        case None:
            return "not set"
        case bool(value):
            return "yes" if value else "no"
        case str(value):
            return f"`{value}`"
        case tuple(values):
            return ", ".join(str(value) for value in values)
        case value:
            return f"{value:g}"


@pytest.mark.parametrize(
    ("spec", "name", "field"), FIELDS, ids=[f"{spec.name}-{name}" for spec, name, _ in FIELDS]
)
def test_section_names_each_setting_and_its_default(
    spec: ToolSpec, name: str, field: FieldInfo
) -> None:
    section = SECTIONS[spec.title]
    if spec.is_auxiliary:
        assert f"`{name}`" in section
        assert _default(field) in section
        return
    rows = [row for row in section.splitlines() if row.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert rows[0].split(" | ")[2].strip() == _default(field)


@pytest.mark.parametrize("picture", PICTURES)
def test_picture_referred_to_exists(picture: str) -> None:
    assert (DOCS / picture).is_file()


def test_sections_show_a_picture_each() -> None:
    assert all("![" in SECTIONS[spec.title] for spec in TOOLS.values())
