"""What one tab paints on one picture: taken from the canvas, saved at once, undone, restored.

The canvas of the browser is a guest here. What counts is the drawing in the database: it is
given to the canvas, and each change that the canvas reports is saved before anything else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import streamlit as st

from app import drawings
from app.fabric import Json, View, generation_of, recognise, to_strokes
from app.ui.canvas.viewing import view_in
from app.ui.stage import Room
from db.actor import Actor
from studio.imaging.drawing import Drawing
from tasks.files import StoredFile
from tasks.services import Services

_STEPS = 100
_LATE_GENERATIONS = 8


@dataclass(slots=True)
class Easel:
    """What one tab paints on one picture.

    Attributes:
        drawing: what the canvas holds, as far as it has told.
        shown: what the canvas was given in this generation.
        generation: raised whenever the canvas is given something else to show.
        views: of this generation and the last few, for strokes that come late.
        lost: strokes that vanished and can be brought back.
        has_foreign: whether another tab has painted what this one does not show.
        zoom: how many times larger than when all of the picture is in view.
        centre: of the view, as parts of the picture's sides.
        received: what the canvas told last.

    """

    services: Services
    actor: Actor
    picture: StoredFile
    drawing: Drawing
    shown: Drawing
    generation: int = 0
    views: dict[int, View] = field(default_factory=dict)
    lost: int = 0
    has_foreign: bool = False
    zoom: int = 1
    centre: tuple[float, float] = (0.5, 0.5)
    room: Room | None = None
    received: object = None
    past: deque[Drawing] = field(default_factory=lambda: deque(maxlen=_STEPS))
    future: deque[Drawing] = field(default_factory=lambda: deque(maxlen=_STEPS))

    @property
    def key(self) -> str:
        """Of the canvas among the widgets."""
        return f"canvas.{self.picture.sha256[:16]}"

    @property
    def view(self) -> View:
        """What the canvas shows now; there must be room for it."""
        return self.views[self.generation]

    def load(self) -> None:
        """Take up what is saved, by whichever tab."""
        self._adopt(drawings.load_sheet(self.services, self.actor, self.picture))
        self.show()

    def show(self) -> None:
        """Give the canvas the drawing as it is now."""
        st.session_state["canvas.generation"] = st.session_state.get("canvas.generation", 0) + 1
        self.generation = st.session_state["canvas.generation"]
        self.shown = self.drawing
        if self.room:
            self.views[self.generation] = view_in(self.room, self.drawing, self.zoom, self.centre)
        for late in list(self.views)[:-_LATE_GENERATIONS]:
            del self.views[late]

    def fit(self, room: Room) -> None:
        """Give the canvas the size that there is room for."""
        if room != self.room:
            self.room = room
            self.show()

    def look(self, zoom: int, centre: tuple[float, float]) -> None:
        """Show another part of the picture."""
        self.zoom, self.centre = zoom, centre
        self.show()

    def take(self) -> None:
        """Save what the canvas has told since the last time."""
        told = _told(st.session_state.get(self.key))
        if told is None or told == self.received:
            return
        self.received = told
        generation = generation_of(told)
        view = self.views.get(generation) if generation is not None else None
        if view is None:
            return
        strokes = recognise(to_strokes(told, view), self.drawing.strokes, view)
        if generation == self.generation:
            self.change(self.drawing.model_copy(update={"strokes": strokes}))
            return
        # Made while the canvas was being given something else: it will not show them by itself.
        late = [stroke for stroke in strokes if stroke not in self.drawing.strokes]
        if late and len(strokes) - len(late) >= len(self.drawing.strokes) - 1:
            more = (*self.drawing.strokes, *late)
            self.change(self.drawing.model_copy(update={"strokes": more}))
            self.show()

    def change(self, after: Drawing) -> None:
        """Save that the drawing became ``after``."""
        if after.strokes == self.drawing.strokes:
            return
        self.past.append(self.drawing)
        self.future.clear()
        self._save(after)

    def replace(self, after: Drawing) -> None:
        """Save that the drawing became ``after`` by other means than the canvas."""
        self.take()
        self.change(after)
        self.show()

    def step(self, *, back: bool) -> None:
        """Undo one change, or make it again."""
        self.take()
        source, target = (self.past, self.future) if back else (self.future, self.past)
        if not source:
            return
        target.append(self.drawing)
        self._save(source.pop(), is_step=True)
        self.show()

    def restore(self) -> None:
        """Bring back what vanished."""
        self.take()
        self.past.append(self.drawing)
        self._adopt(drawings.restore_previous(self.services, self.actor, self.picture))
        self.show()

    def dismiss(self) -> None:
        """Forget what vanished."""
        drawings.dismiss_previous(self.services, self.actor, self.picture)
        self.lost = 0

    def _save(self, after: Drawing, *, is_step: bool = False) -> None:
        sheet = drawings.save_change(
            self.services, self.actor, self.picture, self.drawing, after, is_step=is_step
        )
        self.drawing = after
        self.has_foreign = sheet.drawing.strokes != after.strokes
        self.lost = _lost(sheet)

    def _adopt(self, sheet: drawings.Sheet) -> None:
        self.drawing = sheet.drawing
        self.has_foreign = False
        self.lost = _lost(sheet)


def easel_for(services: Services, actor: Actor, picture: StoredFile) -> Easel:
    """This tab's easel for ``picture``, with what is saved when it was away."""
    easels: dict[str, Easel] = st.session_state.setdefault("easels", {})
    easel = easels.get(picture.sha256)
    if easel is None:
        blank = drawings.blank(picture)
        easel = easels[picture.sha256] = Easel(services, actor, picture, blank, blank)
    if easel.key not in st.session_state:  # the canvas is not on the page: it begins anew
        easel.received = None
        easel.load()
    easel.take()
    return easel


def _told(state: object) -> Json | None:
    """What a canvas's state says is on it."""
    drawing = state.get("drawing") if hasattr(state, "get") else None
    return drawing["raw"] if drawing else None


def _lost(sheet: drawings.Sheet) -> int:
    if sheet.previous is None:
        return 0
    there = set(sheet.drawing.strokes)
    return sum(stroke not in there for stroke in sheet.previous.strokes)
