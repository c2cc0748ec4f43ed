"""What tests of pages share."""

from __future__ import annotations

from typing import Protocol

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from db.actor import Actor


class Visit(Protocol):
    """Runs a page as somebody; without an actor, as a stranger."""

    def __call__(self, script: str, actor: Actor | None = None) -> AppTest: ...


def button(page: AppTest, label: str) -> Button:
    """The one button with this label."""
    [found] = [each for each in page.button if each.label == label]
    return found


def model_links(page: AppTest) -> list[str]:
    """The filters of all links to the page Models."""
    return [
        each.proto.query_string
        for each in page.get("page_link")
        if each.proto.label == "Open the page Models"
    ]
