"""What is left of a run of a page that Streamlit breaks off for the next, at any touch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit as st

from app.runs.page_memory import recall_options, recall_tray
from app.ui import memory, trays
from db.actor import Actor
from studio.params import ImageFormat, UpscaleParams
from tasks.services import Services
from tests.people import make_person
from tests.pictures import png


class BrokenOffError(BaseException):
    """As Streamlit's own, which passes ``except Exception``."""


class Touchy(dict[str, Any]):
    """A page's state, at whose next touch the run ends once a change is asked for."""

    is_asked_for = False
    is_unbroken = False

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        self.is_unbroken = True
        yield
        self.is_unbroken = False

    def __contains__(self, key: object) -> bool:
        self._break_off()
        return super().__contains__(key)

    def __setitem__(self, key: str, value: object) -> None:
        self._break_off()
        super().__setitem__(key, value)

    def _break_off(self) -> None:
        if self.is_asked_for and not self.is_unbroken:
            raise BrokenOffError


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Touchy:
    touchy = Touchy()
    monkeypatch.setattr(st, "session_state", touchy)
    return touchy


@pytest.fixture
def person(services: Services, state: Touchy, monkeypatch: pytest.MonkeyPatch) -> Actor:
    actor = make_person(services)

    def require_user() -> Actor:
        "person" in state  # noqa: B015 - the real one looks there as well
        return actor

    for module in (memory, trays):
        monkeypatch.setattr(module, "get_services", lambda: services)
        monkeypatch.setattr(module, "require_user", require_user)
    monkeypatch.setattr(trays, "unbroken", state.unbroken)
    return actor


def test_tray_run_broken_off_during_a_drop_has_it_on_record(
    services: Services, state: Touchy, person: Actor
) -> None:
    held = trays.tray("upscale")
    state.is_asked_for = True
    held.take(services, [("a.png", png())], limit=5)
    kept = recall_tray(services, person, "upscale").files
    assert [one.file.file_name for one in kept] == ["a.png"]


def test_options_run_broken_off_after_a_change_has_it_on_record(
    services: Services, state: Touchy, person: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_options = memory.keep_options

    def keep_and_be_called_away(*args: Any, **kwargs: Any) -> None:
        keep_options(*args, **kwargs)
        state.is_asked_for = True

    monkeypatch.setattr(memory, "keep_options", keep_and_be_called_away)
    memory.recall(UpscaleParams)
    with pytest.raises(BrokenOffError):
        memory.keep(UpscaleParams(format=ImageFormat.WEBP), from_id=None, is_private=False)
    assert recall_options(services, person, UpscaleParams).params["format"] is ImageFormat.WEBP
    state.is_asked_for = False
    assert memory.recall(UpscaleParams).params == {}, "so that the next run keeps it again"
