"""Tabs of a browser in which somebody paints, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from app.painting import drawings
from app.painting.canvas_json import PAINT
from app.ui import faults, stage
from app.ui.canvas import easel
from app.ui.canvas.easel import easel_for
from app.ui.stage import Room
from db.actor import Actor
from db.errors import DatabaseAwayError
from studio.imaging.drawing import Drawing
from tasks.services import Services
from tasks.submit import store_upload
from tests.pictures import png

ROOM = Room(300, 900)


class Tab:
    """One browser tab: what its script keeps, and a canvas that one can paint on."""

    def __init__(self, services: Services, actor: Actor, patch: pytest.MonkeyPatch) -> None:
        self.state: dict[str, Any] = {}
        self.objects: list[dict[str, Any]] = []
        self._patch = patch
        self.actor = actor
        self.picture = store_upload(services, "cat.png", png(1, 600, 400))
        self.enter()
        self.easel = easel_for(services, actor, self.picture)
        self.easel.fit(ROOM)
        self.mount()

    def enter(self) -> None:
        """Run the script of this tab from now on."""
        for module in (easel, faults, stage):
            self._patch.setattr(module, "st", SimpleNamespace(session_state=self.state))

    def mount(self) -> None:
        """The browser loads what the canvas was given last."""
        self.objects = self.easel.shown["objects"]
        self.send()

    def send(self) -> None:
        self.state[self.easel.key] = {"drawing": {"raw": {"objects": list(self.objects)}}}

    def draw(self, y: float) -> None:
        """A line across, in canvas pixels."""
        line = [["M", 20, y], ["L", 120, y]]
        look = {"left": 70, "top": y, "stroke": PAINT, "strokeWidth": 10, "fill": None}
        self.objects = [*self.objects, {"type": "Path", "path": line, **look}]
        self.send()

    def take(self) -> None:
        self.enter()
        self.easel.take(self.actor)

    def lines(self) -> list[float]:
        """Where strokes lie on the whole picture, from its top."""
        return [round(stroke.points[0][1]) for stroke in self.easel.drawing.strokes]


def saved(services: Services, tab: Tab) -> Drawing:
    return drawings.load_sheet(services, tab.actor, tab.picture).drawing


@contextmanager
def saving_fails(error: Exception) -> Iterator[None]:
    """Meanwhile no drawing can be saved."""

    def save(*_args: object, **_options: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in ("save_change", "restore_previous"):
            patch.setattr(drawings, name, save)
        yield


def database_away() -> AbstractContextManager[None]:
    return saving_fails(DatabaseAwayError())
