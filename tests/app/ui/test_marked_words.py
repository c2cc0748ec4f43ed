"""No page writes a sentence that went past the catalogue: ``_``, ``_n`` and ``said`` say all.

And no door puts sentences and lists together itself: ``paragraph`` and places in messages do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.settings import ROOT

FILES = sorted([*(ROOT / "app" / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")])
DOORS = sorted(
    [*FILES, *(one for door in ("commands", "web") for one in (ROOT / "app" / door).rglob("*.py"))]
)
"""What speaks in the language of whoever reads; REST describes itself in English alone."""
SCRIPTS = [*(ROOT / "pages").glob("*.py"), ROOT / "app" / "ui" / "entry.py"]
"""What Streamlit runs, and not imports."""
OURS = {"header", "name_tab", "empty", "markup", "fact", "cards"}
"""Functions of ours that show what they are given."""
SHOWN = {"body", "help", "label", "placeholder", "text", "title", "caption", "subtitle", "words"}
"""Keywords whose values are shown."""
NOT_SHOWN = {"code", "columns", "container", "form", "set_page_config", "switch_page"}
_HIDDEN = re.compile(r"<style>.*?</style>|<[^>]*>|<[^>]*$|:material/\w*:?|&\w+;|!\[\]\([^)]*\)")
_WORD = re.compile(r"[^\W\d_]{2,}")


def _text(node: ast.expr) -> str:
    """What of an expression stands in it as it is, values left out."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(one) or "\0" for one in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case ast.IfExp(body=body, orelse=orelse):
            return f"{_text(body)} {_text(orelse)}"
    return ""


def unmarked(source: str) -> Iterator[str]:
    """Words that calls show without looking them up."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = _shower(node.func)
        if name is None or name in NOT_SHOWN:
            continue
        shown = node.args[:1] + [one.value for one in node.keywords if one.arg in SHOWN]
        for value in shown:
            text = _HIDDEN.sub("", _text(value))
            if _WORD.search(text):
                yield f"{node.lineno}: {name}({text!r})"


def _shower(function: ast.expr) -> str | None:
    """The name of a function that shows its first argument; None for any other."""
    match function:
        case ast.Attribute(value=ast.Name(id="st"), attr=attr):
            return attr
        case ast.Name(id=name) if name in OURS:
            return name
        case ast.Attribute(value=ast.Name(id="states" | "layout" | "gallery"), attr=attr):
            return attr if attr in OURS else None
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_show_no_words_that_are_not_marked(path: Path) -> None:
    assert not list(unmarked(path.read_text(encoding="utf-8")))


def joined(source: str) -> Iterator[str]:
    """Sentences, and lists, that are put together as English does it."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(glue)), attr="join"), args=[parts]
            ) if _lists(glue) or (glue == " " and _says(parts)):
                yield f"{node.lineno}: {ast.unparse(node)}"
            case ast.JoinedStr(values=values):
                for before, glue, after in zip(values, values[1:], values[2:], strict=False):
                    if _glues(glue) and _says(before) and _says(after):
                        yield f"{node.lineno}: {ast.unparse(node)}"


def _lists(glue: str) -> bool:
    return glue.endswith(" ") and glue.strip() in (",", ";")


def _glues(node: ast.expr) -> bool:
    """Whether it is no more than what stands between two sentences."""
    return isinstance(node, ast.Constant) and not str(node.value).strip(" ,;.")


def _says(parts: ast.expr) -> bool:
    """Whether something is said within it, by a call or by a function that is handed on."""
    names = {one.id for one in ast.walk(parts) if isinstance(one, ast.Name)}
    return bool(names & {"said", "_", "_n", "label_of", "value_of", "unit_of"})


@pytest.mark.parametrize("path", DOORS, ids=lambda path: str(path.relative_to(ROOT)))
def test_doors_put_no_sentences_and_lists_together(path: Path) -> None:
    assert not list(joined(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "source",
    [
        '" ".join(said(note) for note in notes)',
        '" ".join(map(said, notes))',
        '", ".join(one.name for one in found)',
        '"; ".join([_("One"), _n("{n} two", "{n} twos", 2)])',
        'f"{said(fault)} {said(remedy)}"',
        "f'<p>{_(\"Done\")}. {value_of(name, value)}</p>'",
        'f"{label_of(value)} {unit_of(name)}"',
    ],
)
def test_joined_finds_what_is_put_together(source: str) -> None:
    assert list(joined(source))


@pytest.mark.parametrize(
    "source",
    [
        '" ".join(spec.id for spec in lacking)',
        '" · ".join(map(said, facts))',
        '"".join(f"<li>{said(note)}</li>" for note in notes)',
        'f"<b>{said(title)}</b> <span>{said(state)}</span>"',
        '",".join(hops)',
    ],
)
def test_joined_leaves_layout_and_commands_alone(source: str) -> None:
    assert not list(joined(source))


def bare_strings(source: str) -> Iterator[str]:
    """What Streamlit shows of a script though no call does: strings that stand by themselves."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and id(node) not in docstrings and _text(node.value):
            yield f"{node.lineno}: {_text(node.value)}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_hold_no_strings_that_streamlit_would_show(path: Path) -> None:
    assert not list(bare_strings(path.read_text(encoding="utf-8")))


def test_string_below_a_name_is_found() -> None:
    assert list(bare_strings('"""A page."""\nPLACE = "page"\n"""What it is."""\n'))


@pytest.mark.parametrize(
    "source",
    [
        'st.button("Undo")',
        'st.caption(f"{count} strokes")',
        'st.html(f"<p class=\\"a\\">{name} is on</p>")',
        'st.button(_("Undo"), help="Take it back")',
        'st.error("Not" + name)',
        'st.markdown("On" if on else _("Off"))',
        'states.empty("Nothing here", _("Add some."))',
    ],
)
def test_words_that_are_not_marked_are_found(source: str) -> None:
    assert list(unmarked(source))


@pytest.mark.parametrize(
    "source",
    [
        'st.button(_("Undo"), icon=":material/undo:", key="canvas.undo")',
        'st.markdown(f":material/tab: {words}")',
        "st.html(f'<p class=\"dr-muted\">{size} · {more}</p>')",
        'st.html("<style>.st-key-a {width: 0}</style>")',
        'st.image(f"![](/pictures/{tile}.svg) {name}")',
    ],
)
def test_markup_is_no_words(source: str) -> None:
    assert not list(unmarked(source))
