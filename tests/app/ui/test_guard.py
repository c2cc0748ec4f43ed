"""No page or widget acts on what it knew of its person when it was drawn."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import partial
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
PERSON_TYPES = {"Actor", "SignedIn", "ToolPage"}


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
    yield from faults_of_dialogs(tree)
    yield from faults_of_closures(tree)


def faults_of_call(call: ast.Call, guarded: set[str]) -> Iterator[str]:
    for keyword in call.keywords:
        name, value = keyword.arg or "", keyword.value
        if is_callback(name) and not is_guarded(value, guarded):
            yield f"line {value.lineno}: bare {name}"
        if name in ("args", "kwargs") and persons_in(value):
            yield f"line {value.lineno}: a person in {name}"


def faults_of_clicks(tree: ast.Module) -> Iterator[str]:
    """A click that is asked for may be lost: then nothing may be but a dialog that opens."""
    looks = dialogs_in(tree)
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


def faults_of_dialogs(tree: ast.Module) -> Iterator[str]:
    """``once`` closes the dialog where the deed is done; after ``acting`` it stays open."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and is_drawn_later(node, "dialog"):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "acting":
                    yield f"line {call.lineno}: a deed that leaves its dialog open"


def faults_of_closures(tree: ast.Module) -> Iterator[str]:
    """What runs later is given a person of the run that drew it, or finds one around it."""
    parts = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and is_drawn_later(node, "dialog", "fragment")
    }
    for outer in ast.walk(tree):
        if not isinstance(outer, ast.FunctionDef):
            continue
        around = persons_around(outer)
        nested = {
            node.name: node
            for node in ast.walk(outer)
            if isinstance(node, ast.FunctionDef) and node is not outer
        }
        later = [*filter(runs_later, nested.values()), *given_for_later(outer, nested, parts)]
        yield from (
            f"line {node.lineno}: {name}, of the run that drew it"
            for node in later
            for name in sorted(persons_within(node, around, nested))
        )


def given_for_later(
    outer: ast.FunctionDef, nested: Mapping[str, ast.FunctionDef], parts: set[str]
) -> Iterator[ast.expr | ast.FunctionDef]:
    """Functions that ``outer`` hands to what calls them later, and all it hands to ``parts``."""
    for call in ast.walk(outer):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        for keyword in (*map(partial(ast.keyword, None), call.args), *call.keywords):
            one = keyword.value
            if name in parts:
                yield one
            elif name in KEEPERS or (keyword.arg or "").startswith("on_"):
                if isinstance(one, ast.Lambda):
                    yield one
                elif isinstance(one, ast.Name) and one.id in nested:
                    yield nested[one.id]


KEEPERS = {"acting", "once", "watch"}
"""They call a function that they are given in later runs."""


def is_drawn_later(node: ast.FunctionDef, *ways: str) -> bool:
    return any(
        isinstance(one, ast.Call) and ast.unparse(one.func) in ways for one in node.decorator_list
    )


def runs_later(node: ast.FunctionDef) -> bool:
    return is_drawn_later(node, "dialog", "fragment") or any(map(is_acting, node.decorator_list))


def persons_around(outer: ast.FunctionDef) -> set[str]:
    """Names of ``outer`` that hold a person, by their own word or that of their type."""
    arguments = [*outer.args.posonlyargs, *outer.args.args, *outer.args.kwonlyargs]
    typed = {one.arg for one in arguments if one.annotation and is_person(one.annotation)}
    bound = {
        node.id
        for node in ast.walk(outer)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return typed | (PERSONS & (bound | {one.arg for one in arguments}))


def is_person(annotation: ast.expr) -> bool:
    names = set(re.findall(r"\w+", ast.unparse(annotation)))
    return bool(names & PERSON_TYPES) and "Callable" not in names


def persons_within(
    node: ast.AST, around: set[str], nested: Mapping[str, ast.FunctionDef]
) -> set[str]:
    """Those of the names ``around`` that ``node`` sees, also through functions that it calls."""
    own = bound_in(node)
    services = {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and one.attr == "services"
    }
    read = {
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and one not in services
    }
    found = (read & around) - own
    for name in read & nested.keys():
        if nested[name] is not node:
            others = {key: one for key, one in nested.items() if key != name}
            found |= persons_within(nested[name], around, others)
    return found


def bound_in(node: ast.AST) -> set[str]:
    """The arguments and variables of a function."""
    if not isinstance(node, ast.Lambda | ast.FunctionDef):
        return set()
    arguments = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)}
    if isinstance(node, ast.Lambda):
        return arguments
    stored = {
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    return arguments | stored


def dialogs_in(tree: ast.Module) -> set[str]:
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and is_drawn_later(node, "dialog")
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
        "if st.button('x'): st.rerun()",
        "if st.button('x', on_click=acting(delete)): st.rerun()",
        "@dialog('x')\ndef ask(actor): st.button('x', on_click=acting(delete))",
        "def show(page):\n    st.button('x', on_click=acting(lambda me: keep(page, me)))",
        "def show(owner: Actor):\n    st.button('x', on_click=once('x', lambda me: keep(owner)))",
        "def show():\n    me = require_user()\n    @fragment()\n    def part(now): draw(me)",
        "def show(page):\n    @dialog('x')\n    def ask(actor): draw(page.actor)",
        "def show(by):\n    def keep(me): save(by)\n    st.button('x', on_click=acting(keep))",
        "def show(page):\n    def read(): find(page)\n    @fragment()\n    def part(now): read()",
        "def show(actor):\n    watch(services, actor, lambda me: find(actor))",
        "def show(page):\n    stage_bar(look, on_event=lambda me, events: react(page, events))",
        "@fragment()\ndef part(actor, page): ...\ndef show(page): part(page)",
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
bar(on_room_change=tell, on_event=lambda actor, events: react(actor, events))
st.download_button('x', on_click='ignore')
st.button('x', on_click=acting(delete, who=require_admin), args=(services, row.id))
st.button('x', on_click=once('x', make), args=(services, row.id))
st.button('x', on_click=acting(keep), args=(services, lambda jobs, me: jobs.keep(me, 1)))
def show(page, actor):
    def read(actor): return find(page.services, actor)
    watch(page.services, actor, read)
    watch(page.services, actor, lambda me: find(page.services, me))
    services = page.services
    @fragment()
    def part(actor): draw(services, actor, read(actor))
    part()
    st.button('x', on_click=acting(lambda actor: keep(services, actor)))
"""
    assert list(faults(ast.parse(source))) == []
