"""Shared code asks for a tool's facts, never for its name: a tool of a package is no guest."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.settings import ROOT
from studio.tools.registry import TOOLS

ROOMS = ("app", "db", "pages", "studio", "tasks")
OWN = [
    *(ROOT / folder / name for name in TOOLS for folder in ("studio/tools", "app/ui")),
    *(ROOT / folder / f"{name}.py" for name in TOOLS for folder in ("studio/params", "pages")),
    ROOT / "studio/models/catalogue/spec.py",
    ROOT / "studio/models/tensorflow_convert.py",
    ROOT / "studio/tools/subject.py",
    ROOT / "app/ui/canvas",
]
"""Where a tool speaks of itself; the tasks of networks and an attribute of theirs, which are called
as a tool and a role are; the alpha that tools share; and the canvas, whose "drawing" is its own."""
STATING = {"_", "N_", "Index", "ToolRole"}
"""What is called with a name that it does not ask for."""
NAMES = {
    *TOOLS,
    *(role.name for spec in TOOLS.values() for role in spec.roles),
    *(spec.mask.role for spec in TOOLS.values() if spec.mask),
}


def shared_files() -> list[Path]:
    files = (file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    return [file for file in files if not {file, *file.parents} & set(OWN)]


def asked_for(tree: ast.AST) -> Iterator[int]:
    """Lines that ask whether something is a certain tool or role, or keep a table by tools."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            asked = [node.value]
        elif isinstance(node, ast.Call):
            asked = _handed(node)
        elif isinstance(node, ast.Dict):
            if any(isinstance(key, ast.Constant) and key.value in TOOLS for key in node.keys):
                yield node.lineno
            continue
        else:
            continue
        if any(_is_name(one) for side in asked for one in _parts(side)) or _is_tool(node):
            yield node.lineno


def _handed(call: ast.Call) -> list[ast.expr]:
    """What a function is given to look for: no words, and no name of a widget."""
    if isinstance(call.func, ast.Name) and call.func.id in STATING:
        return []
    return [*call.args, *(one.value for one in call.keywords if one.arg != "key")]


def _parts(side: ast.expr) -> list[ast.expr]:
    return side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]


def _is_name(side: ast.expr) -> bool:
    return isinstance(side, ast.Constant) and side.value in NAMES


def _is_tool(node: ast.AST) -> bool:
    """Whether a tool's name is compared with a constant that stands for one."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return False
    words = [ast.unparse(side) for side in (node.left, *node.comparators)]
    has_tool = any(word == "tool" or word.endswith(".tool") for word in words)
    return has_tool and any(word.split(".")[0].isupper() for word in words)


@pytest.mark.parametrize("room", ROOMS)
def test_shared_code_asks_for_facts_and_not_for_names_of_tools_and_roles(room: str) -> None:
    files = [file for file in shared_files() if file.is_relative_to(ROOT / room)]
    assert files
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in files
        for line in asked_for(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'tool == "faces"',
        'role in ("mask", "alpha")',
        'match tool:\n    case "cutout":\n        pass',
        "job.tool == SEARCH",
        "tool != CUTOUT.name",
        'HELP = {"inpaint": 1}',
        'find_output(job, "alpha")',
        'find_output(job, role="mask")',
        'files.get("background")',
        'get_tool("cartoon")',
    ],
)
def test_asked_for_finds_every_way_to_ask_by_name(code: str) -> None:
    assert list(asked_for(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "job.tool == page.tool",
        "tool not in AUXILIARY_TOOLS",
        "spec.is_auxiliary",
        'key == "image/png"',
        '_("source")',
        "find_output(job, MASK_ROLE)",
        'st.button(_("Draw"), key="cartoon")',
    ],
)
def test_asked_for_leaves_facts_alone(code: str) -> None:
    assert not list(asked_for(ast.parse(code)))
