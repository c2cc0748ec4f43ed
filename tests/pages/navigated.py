"""A page under the studio's navigation, so that its links to other pages resolve."""

from __future__ import annotations

import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

from db.actor import Actor
from tests.pages.harness import Visit

_SCRIPT = """
import streamlit as st
from app.ui.faults import say_left
from app.ui.navigation import *
from app.ui.passing import PAGE, drawing
from app.ui.signed_in import require_user

require_user()

paths = {{"HISTORY": HISTORY, "RUN": RUN, "STUDIO": STUDIO, "WEIGHTS": WEIGHTS}}
tools = [spec for spec in TOOLS.values() if not spec.is_auxiliary]
pages = {{spec.name.upper(): navigation_page(spec) for spec in tools}}
pages |= {{name: st.Page(path) for name, path in paths.items()}}
# Without a default, the first page is the one that opens.
opened = st.navigation([pages.pop("{page}"), *pages.values()])
with drawing(PAGE):
    say_left()
    opened.run()
"""


def navigated(folder: Path, page: str) -> str:
    """A script for ``visit`` that opens ``page``, one of the names in ``app.ui.navigation``."""
    script = folder / f"{page.lower()}_page.py"
    script.write_text(_SCRIPT.format(page=page), encoding="utf-8")
    return str(script)


def open_page(visit: Visit, folder: Path, name: str, actor: Actor, /, **address: object) -> AppTest:
    """The page ``name`` as ``actor`` finds it, at an address with these parameters."""
    page = visit(navigated(folder, name), actor)
    if address:
        for parameter, value in address.items():
            page.query_params[parameter] = str(value)
        page.run()
    assert not page.exception
    return page


def links(page: AppTest) -> list[str]:
    """The labels of all links to other pages, of those that take the result along too."""
    taking = re.findall(r'href="/\w+\?use=[^"]+"[^>]*>([^<]+)<', markup(page))
    return [each.proto.label.replace("\\", "") for each in page.get("page_link")] + taking


def markup(page: AppTest) -> str:
    """All own markup of the page."""
    return "".join(each.proto.body for each in page.get("html"))


def drop(page: AppTest, files: list[tuple[str, bytes]], zone: int = 0) -> None:
    """Give a drop zone these files, and let the page take them."""
    for name, data in files:
        page.file_uploader[zone].upload(name, data, "image/png")
    page.run()
