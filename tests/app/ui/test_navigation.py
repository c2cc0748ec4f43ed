from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import streamlit as st

from app.runs.addresses import page_names
from app.ui.navigation import sections
from db.actor import Actor
from db.types import Role


@pytest.mark.parametrize("role", list(Role))
def test_sections_every_page_has_an_address_that_is_known_and_no_other_is(
    role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    def address(page: object, *, url_path: str = "", **_other: object) -> str:
        return url_path or Path(str(page)).stem

    monkeypatch.setattr(st, "Page", address)
    pages = [page for group in sections(Actor(uuid4(), "ada", role)).values() for page in group]
    assert set(map(str, pages)) == set(page_names())
