"""Text from outside is shown as it is, wherever a page puts it."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.ui.literal import literal, literal_sentence
from studio.settings import ROOT

FILES = [*(ROOT / "pages").rglob("*.py"), *(ROOT / "app" / "ui").rglob("*.py")]
READS_MARKDOWN = {
    *("button", "caption", "checkbox", "download_button", "error", "expander", "info", "markdown"),
    *("menu_button", "page_link", "popover", "progress", "radio", "spinner", "subheader"),
    *("success", "text_area", "text_input", "title", "toast", "toggle", "warning", "write"),
}
WORDS = {"body", "help", "label", "text"}
"""Arguments that are words to show; the first one is, too."""
FROM_OUTSIDE = {"file_name", "message", "note", "owner_name", "tags"}
"""Attributes whose words other people or files have chosen."""
NAMED_BY_PEOPLE = {"face", "job", "row", "run", "token", "user"}
"""Things whose ``name`` or ``title`` was."""
MAKES_SAFE = {"literal", "literal_sentence", "said"}

markdown = MarkdownIt("gfm-like", {"linkify": False})
marked = st.text(st.sampled_from("ab1 *_`~[]()<>#+-=|!&;:.\\$\n\t^{}'\"/@"), max_size=30)


@pytest.mark.slow
@given(marked | st.text(max_size=30))
def test_literal_any_text_reads_as_it_was_given(text: str) -> None:
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
    shown = re.sub(r"</?p>", "", markdown.render(literal(text)))
    assert " ".join(html.unescape(shown).replace("\u2060", "").split()) == " ".join(text.split())


@pytest.mark.parametrize(
    "text", [":material/face:", ":streamlit:", "www.x.org", "http://x.org", "a@x.org", "a -> b"]
)
def test_literal_what_is_replaced_after_reading_is_broken_up(text: str) -> None:
    assert text not in literal(text)
    assert literal(text).replace("\u2060", "").replace("\\", "") == text


def test_literal_plain_words_stay_as_they_are() -> None:
    assert literal("旅行 2024, part-2 (final).png") == "旅行 2024, part-2 (final).png"


def test_literal_sentence_keeps_commands_and_nothing_else() -> None:
    assert literal_sentence("a*b: run `studio weights pull *x*` now.") == (
        "a\\*b: run `studio weights pull *x*` now."
    )
    assert literal_sentence("one ` only") == "one \\` only"


def faults(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_markdown(node.func):
            named = [pair.value for pair in node.keywords if pair.arg in WORDS]
            for word in (*node.args[:1], *named):
                yield from bare_in(word)


def is_markdown(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id == "st"
        and called.attr in READS_MARKDOWN
    )


def bare_in(node: ast.AST) -> Iterator[str]:
    """Words from outside in ``node`` that nothing has made safe."""
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        applied = node.args[0] if node.func.id == "map" else node.func
        if isinstance(applied, ast.Name) and applied.id in MAKES_SAFE:
            return
    if isinstance(node, ast.Attribute):
        owner = node.value.attr if isinstance(node.value, ast.Attribute) else ""
        owner = node.value.id if isinstance(node.value, ast.Name) else owner
        is_name = node.attr in {"name", "title"} and owner in NAMED_BY_PEOPLE
        if is_name or node.attr in FROM_OUTSIDE:
            yield f"line {node.lineno}: {ast.unparse(node)}"
    for child in ast.iter_child_nodes(node):
        yield from bare_in(child)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_literal_no_page_shows_words_from_outside_as_markdown(path: Path) -> None:
    assert not list(faults(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "code", ["st.title(job.title)", "st.error(error.message)", 'st.write(f"**{user.name}**")']
)
def test_literal_the_check_finds_bare_words(code: str) -> None:
    assert list(faults(ast.parse(code)))
