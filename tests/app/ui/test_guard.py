"""No page or widget acts on what it knew of its person when it was drawn."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.settings import ROOT

GUARD = ROOT / "app" / "ui" / "guard.py"
FILES = [
    *(ROOT / "pages").rglob("*.py"),
    *(path for path in (ROOT / "app" / "ui").rglob("*.py") if path != GUARD),
]
PERSONS = {"actor", "me", "by", "signed_in", "page"}
"""Names under which a person travels; a ``ToolPage`` carries one."""


def faults(tree: ast.Module) -> Iterator[str]:
    guarded = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any(map(is_acting, node.decorator_list))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("dialog", "fragment"):
            yield f"line {node.lineno}: bare st.{node.attr}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "st.stop":
            yield f"line {node.lineno}: st.stop, which forgets what was clicked meanwhile"
        if isinstance(node, ast.ImportFrom) and node.module == "streamlit":
            yield f"line {node.lineno}: names imported out of streamlit"
        if isinstance(node, ast.Call):
            yield from faults_of_call(node, guarded)
    yield from faults_of_clicks(tree)


def faults_of_call(call: ast.Call, guarded: set[str]) -> Iterator[str]:
    for keyword in call.keywords:
        name, value = keyword.arg or "", keyword.value
        if is_callback(name) and not is_guarded(value, guarded):
            yield f"line {value.lineno}: bare {name}"
        if name in ("args", "kwargs") and persons_in(value):
            yield f"line {value.lineno}: a person in {name}"


def faults_of_clicks(tree: ast.Module) -> Iterator[str]:
    """A click that is asked for may be lost: then nothing may be but a look at something."""
    looks = {"st.rerun"} | dialogs_in(tree)
    asked_for = clicks_in(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value):
                asked_for.discard(value)
            case ast.If(test, body) if are_looks(body, looks):
                asked_for -= clicks_in(test)
            case ast.Match(subject, cases) if all(are_looks(one.body, looks) for one in cases):
                asked_for -= clicks_in(subject)
    yield from (f"line {click.lineno}: a click that may be lost" for click in asked_for)


def dialogs_in(tree: ast.Module) -> set[str]:
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for one in node.decorator_list
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "dialog"
    }


def clicks_in(tree: ast.AST) -> set[ast.expr]:
    """Calls that tell of a click, as those of ``st.button`` and ``st.menu_button``."""
    return {
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.endswith("button")
    }


def are_looks(body: list[ast.stmt], looks: set[str]) -> bool:
    return all(
        isinstance(one, ast.Expr)
        and isinstance(one.value, ast.Call)
        and ast.unparse(one.value.func) in looks
        for one in body
    )


def is_callback(name: str) -> bool:
    return name.startswith("on_") and name != "on_event"


def is_guarded(value: ast.expr, guarded: set[str]) -> bool:
    if isinstance(value, ast.Constant):
        return value.value == "ignore"
    return is_acting(value) or (isinstance(value, ast.Name) and value.id in guarded)


def is_acting(value: ast.expr) -> bool:
    called = value.func if isinstance(value, ast.Call) else value
    return isinstance(called, ast.Name) and called.id in ("acting", "once")


def persons_in(value: ast.expr) -> set[str]:
    """Names of persons that come from outside of ``value``."""
    own = {
        argument.arg
        for node in ast.walk(value)
        if isinstance(node, ast.Lambda)
        for argument in node.args.args
    }
    services = {
        node.value
        for node in ast.walk(value)
        if isinstance(node, ast.Attribute) and node.attr == "services"
    }
    names = (node for node in ast.walk(value) if isinstance(node, ast.Name))
    found = {node.id for node in names if node not in services}
    found |= {node.attr for node in ast.walk(value) if isinstance(node, ast.Attribute)}
    return (found & PERSONS) - own


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_hands_no_person_to_what_runs_later(path: Path) -> None:
    assert list(faults(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "st.button('x', on_click=delete)",
        "st.button('x', on_click=lambda: delete())",
        "st.text_input('x', on_change=jobs.keep)",
        "st.form_submit_button('x', on_submit=keep)",
        "st.button('x', on_click=acting(delete), args=(services, actor))",
        "st.button('x', on_click=acting(delete), args=(page.actor,))",
        "st.button('x', on_click=acting(delete), kwargs={'page': page})",
        "st.button('x', on_click=acting(keep), args=(lambda jobs: jobs.keep(actor),))",
        "@st.dialog('x')\ndef ask(): pass",
        "@st.fragment\ndef part(): pass",
        "st.fragment(part)",
        "st.stop()",
        "if st.button('x'): delete()",
        "if not st.form_submit_button('x'): pass",
        "if x and st.button('x', on_click=acting(delete)): delete()",
        "clicked = st.button('x')\nif clicked: ask()",
        "delete() if st.button('x') else None",
        "match st.menu_button('x'):\n    case 'delete': delete()",
        "if st.menu_button('x') == 'delete': delete()",
        "do(st.menu_button('x'))",
        "while st.button('x'): pass",
        "from streamlit import fragment",
    ],
)
def test_faults_bare_code_is_found(source: str) -> None:
    assert len(list(faults(ast.parse(source)))) == 1


def test_faults_guarded_code_has_none() -> None:
    source = """
@acting
def tell(actor): ...
@dialog('x')
def ask(actor): ...
st.button('x')
if st.button('x'): ask()
if st.menu_button('x') == 'ask': ask()
match st.menu_button('x'):
    case 'ask': ask()
if st.button('x', on_click=acting(delete)): st.rerun()
bar(on_room_change=tell, on_event=lambda actor, events: react(actor, events))
st.download_button('x', on_click='ignore')
st.button('x', on_click=acting(delete, who=require_admin), args=(services, row.id))
st.button('x', on_click=once('x', make), args=(services, row.id))
st.button('x', on_click=acting(keep), args=(services, lambda jobs, me: jobs.keep(me, 1)))
"""
    assert list(faults(ast.parse(source))) == []
