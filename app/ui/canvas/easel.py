"""What one tab paints on one picture: taken from the canvas, saved at once, undone, restored.

The canvas of the browser is a guest here. What counts is the drawing in the database: it is
given to the canvas, and each change that the canvas reports is saved before anything else, on
behalf of the person who the tab belongs to at that moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import streamlit as st

from app.painting import drawings
from app.painting.bounds import points_of
from app.painting.canvas_json import Json, View, generation_of, to_canvas
from app.painting.changes import missing
from app.painting.told import read_canvas
from app.ui.canvas.viewing import view_in
from app.ui.faults import number_of
from app.ui.stage import Room
from app.ui.unbroken import unbroken
from db.actor import Actor
from db.errors import DatabaseAwayError, RecordError
from studio.errors import RetriableError, StudioError
from studio.imaging.drawing import Drawing, Stroke
from studio.words import msg
from tasks.files import StoredFile
from tasks.services import Services

_STEPS = 100
_STEPS_POINTS = 500_000
"""Most that the steps back hold, and as many the steps forward: some 60 MB."""
_EASELS = 8
"""Pictures whose steps a tab keeps, the last painted on."""
_LATE_GENERATIONS = 8

Refusal = StudioError | RecordError
"""Why something is not saved: for good, or as long as what is in the way lasts."""


@dataclass(slots=True)
class Generation:
    """One state that the canvas was given.

    Attributes:
        view: what part of the picture it shows.
        given: what it held at first.
        strokes: what it holds, as far as it has told.
        may_change: whether a tool was used on it that changes, or takes away, what it has told.

    """

    view: View
    given: tuple[Stroke, ...]
    strokes: tuple[Stroke, ...] = field(init=False)
    may_change: bool = False

    def __post_init__(self) -> None:
        self.strokes = self.given

    def is_rebuilt(self, told: tuple[Stroke, ...]) -> bool:
        """Whether ``told`` is of a canvas that was built anew, without what it had told since."""
        if self.may_change or self.strokes == self.given:
            return False
        return told == (*self.given, *missing(told, self.strokes))


@dataclass(slots=True)
class Easel:
    """What one tab paints on one picture.

    Attributes:
        painter_id: whose pictures wait for each other; no proof of what they may do.
        drawing: what the canvas holds, as far as it has told.
        shown: what the canvas was given in this generation, once there is room for it; made once,
            for each run of the page gives it again.
        is_aside: whether another picture lies on the canvas, or this one never did: it is loaded
            before it is shown, and what the canvas tells of it comes late.
        generation: raised whenever the canvas is given something else to show.
        generations: this one and the last few, for strokes that come late.
        lost: strokes that vanished and can be brought back.
        has_foreign: whether another tab has painted what this one does not show.
        zoom: how many times larger than when all of the picture is in view.
        centre: of the view, as parts of the picture's sides.
        received: what the canvas told last.
        waiting: what it told last of each generation and is neither saved nor refused yet, the
            oldest first.
        refused: why something that it told is not saved.
        said: the refusal that was said last.

    """

    services: Services
    painter_id: UUID
    picture: StoredFile
    drawing: Drawing
    shown: Json = field(default_factory=dict)
    is_aside: bool = True
    generation: int = 0
    generations: dict[int, Generation] = field(default_factory=dict)
    lost: int = 0
    has_foreign: bool = False
    zoom: int = 1
    centre: tuple[float, float] = (0.5, 0.5)
    room: Room | None = None
    received: Json | None = None
    waiting: list[Json] = field(default_factory=list)
    refused: Refusal | None = None
    said: Refusal | None = None
    past: deque[Drawing] = field(default_factory=lambda: deque(maxlen=_STEPS))
    future: deque[Drawing] = field(default_factory=lambda: deque(maxlen=_STEPS))

    @property
    def key(self) -> str:
        """Of the canvas among the widgets."""
        return f"canvas.{self.picture.sha256[:16]}"

    @property
    def taken(self) -> int:
        """How many strokes this tab has taken, moved ones among them."""
        return int(st.session_state.get("canvas.taken", 0))

    @property
    def view(self) -> View:
        """What the canvas shows now; there must be room for it."""
        return self.generations[self.generation].view

    def load(self, actor: Actor) -> None:
        """Take up what is saved, by whichever tab."""
        self._adopt(drawings.load_sheet(self.services, actor, self.picture))
        self.show()

    def show(self) -> None:
        """Give the canvas the drawing as it is now."""
        st.session_state["canvas.generation"] = st.session_state.get("canvas.generation", 0) + 1
        self.generation = st.session_state["canvas.generation"]
        if self.room:
            view = view_in(self.room, self.drawing, self.zoom, self.centre)
            # Before what may fail: the canvas then keeps what it has, and what it tells comes late.
            self.generations[self.generation] = Generation(view, self.drawing.strokes)
            self.shown = to_canvas(self.drawing, view, self.generation)
        owed = {generation_of(told) for told in self.waiting}
        for late in list(self.generations)[:-_LATE_GENERATIONS]:
            if late not in owed:
                del self.generations[late]

    def fit(self, room: Room) -> None:
        """Give the canvas the size that there is room for."""
        if room != self.room:
            self.room = room
            self.show()

    def set_aside(self) -> None:
        """Another picture lies on the canvas: what it still tells of this one comes late.

        A canvas that goes may be built once more, with what it was given, and tell of that. One
        that was to go may stay, where the run that was to show the other picture is broken off.
        """
        self.is_aside = True

    def let_change(self) -> None:
        """A tool is used on the canvas that changes, or takes away, what it has told."""
        self.generations[self.generation].may_change = True

    def look(self, zoom: int, centre: tuple[float, float]) -> None:
        """Show another part of the picture."""
        self.zoom, self.centre = zoom, centre
        self.show()

    def take(self, actor: Actor) -> bool:
        """Save what the canvas has told since the last time.

        What can never be saved, or meets a fault of ours before it is, is refused, and goes from
        the canvas.
        Returns whether nothing is left; what is, waits here, whatever the canvas shows by then,
        and for the next time.
        """
        told = _told(st.session_state.get(self.key))
        if told is not None and told != self.received:
            self.received = told
            self._await(told)
        with unbroken():
            while self.waiting:
                try:
                    is_behind = self._take(actor, self.waiting[0])
                except (RetriableError, DatabaseAwayError) as passing:
                    self.refused = passing
                    return False
                except (StudioError, RecordError) as refusal:
                    self._refuse(refusal)
                except Exception as fault:  # it would meet every run of the page that follows
                    self._refuse(_unsaved(fault))
                else:
                    if is_behind:
                        self.show()  # what fails here fails a stroke that is saved
                    del self.waiting[0]
        if isinstance(self.refused, RetriableError | DatabaseAwayError):
            self.refused = None  # it has passed, and nothing waits
        return True

    def whole(self, actor: Actor) -> Drawing:
        """The drawing with all that the canvas has told, for what is made of it.

        Raises:
            Refusal: what waits is not in it, or what was refused and nobody has been told so yet.

        """
        is_taken = self.take(actor)
        if self.refused and not (is_taken and self.refused is self.said):
            self.said = self.refused
            raise self.refused
        return self.drawing

    def _refuse(self, refusal: Refusal) -> None:
        """What waits the longest is not saved, and goes from the canvas."""
        self.refused = refusal
        del self.waiting[0]
        self.show()

    def _await(self, told: Json) -> None:
        """Keep ``told``, which holds all that the same canvas told before."""
        if self.waiting and generation_of(self.waiting[-1]) == generation_of(told):
            self.waiting.pop()
        self.waiting.append(told)

    def _take(self, actor: Actor, told: Json) -> bool:
        """Save ``told``. What a canvas tells when it has loaded says nothing new.

        Returns whether the canvas does not show all that is saved by now.
        """
        number = generation_of(told)
        generation = self.generations.get(number) if number is not None else None
        if generation is None:
            return False
        before = generation.strokes
        strokes = read_canvas(told, before, generation.view, owner=self.painter_id)
        if strokes == before:
            return False
        new = missing(strokes, before)
        is_rebuilt = generation.is_rebuilt(strokes)
        is_late = not is_rebuilt and (number != self.generation or self.is_aside)
        if is_rebuilt:
            self._add(actor, new)
        elif not is_late:
            self.change(actor, self.drawing.model_copy(update={"strokes": strokes}))
        elif new:
            self._add_late(actor, new, missing(before, strokes))
        generation.strokes = strokes
        self.refused = None
        st.session_state["canvas.taken"] = self.taken + len(new)
        return is_rebuilt or (is_late and bool(new))

    def _add_late(self, actor: Actor, new: Sequence[Stroke], gone: Sequence[Stroke]) -> None:
        """Save what was done while the canvas was being given something else.

        It will not show that by itself. Only what is new in it counts: what the canvas had been
        given before may have been undone since.
        """
        is_move = len(gone) == len(new) == 1
        self._add(actor, new, without=gone if is_move else ())

    def _add(self, actor: Actor, new: Sequence[Stroke], *, without: Sequence[Stroke] = ()) -> None:
        kept = missing(self.drawing.strokes, without)
        self.change(actor, self.drawing.model_copy(update={"strokes": (*kept, *new)}))

    def change(self, actor: Actor, after: Drawing) -> None:
        """Save that the drawing became ``after``."""
        if after.strokes == self.drawing.strokes:
            return
        before = self.drawing
        self._save(actor, after)
        _remember(self.past, before)
        self.future.clear()

    def replace(self, actor: Actor, after: Drawing) -> None:
        """Save that the drawing became ``after`` by other means than the canvas."""
        if not self.take(actor):
            return
        self.change(actor, after)
        self.show()

    def step(self, actor: Actor, *, back: bool) -> None:
        """Undo one change, or make it again."""
        if not self.take(actor):
            return
        source, target = (self.past, self.future) if back else (self.future, self.past)
        if not source:
            return
        before = self.drawing
        self._save(actor, source[-1], is_step=True)
        source.pop()
        _remember(target, before)
        self.show()

    def restore(self, actor: Actor) -> None:
        """Bring back what vanished."""
        if not self.take(actor):
            return
        before = self.drawing
        self._adopt(drawings.restore_previous(self.services, actor, self.picture))
        _remember(self.past, before)
        self.show()

    def dismiss(self, actor: Actor) -> None:
        """Forget what vanished."""
        drawings.dismiss_previous(self.services, actor, self.picture)
        self.lost = 0

    def _save(self, actor: Actor, after: Drawing, *, is_step: bool = False) -> None:
        sheet = drawings.save_change(
            self.services, actor, self.picture, self.drawing, after, is_step=is_step
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
    easel = easels.pop(picture.sha256, None)
    if easel is None:
        easel = Easel(services, actor.id, picture, drawings.blank(picture))
    for other in easels.values():
        other.set_aside()
    easels[picture.sha256] = easel
    for idle in [sha256 for sha256, one in easels.items() if not one.waiting][:-_EASELS]:
        del easels[idle]
    is_canvas_new = easel.key not in st.session_state
    if is_canvas_new:
        easel.received = None
    if is_canvas_new or easel.is_aside:
        easel.load(actor)
        easel.is_aside = False
    easel.take(actor)
    return easel


def _remember(steps: deque[Drawing], drawing: Drawing) -> None:
    """Add a step; the oldest go once all together hold too many points, shared ones but once."""
    steps.append(drawing)
    seen: set[int] = set()
    points = kept = 0
    for one in reversed(steps):
        new = [stroke for stroke in one.strokes if id(stroke) not in seen]
        points += points_of(new)
        if kept and points > _STEPS_POINTS:
            break
        seen.update(map(id, new))
        kept += 1
    while len(steps) > kept:
        steps.popleft()


def _told(state: object) -> Json | None:
    """What a canvas's state says is on it."""
    drawing = state.get("drawing") if isinstance(state, Mapping) else None
    told = drawing.get("raw") if isinstance(drawing, Mapping) else None
    return told if isinstance(told, Mapping) else None


def _unsaved(fault: Exception) -> StudioError:
    """Of what was painted when nobody expected ``fault``."""
    return StudioError(
        msg(
            "What you painted last was not saved, as something went wrong inside the studio. Paint "
            "it again; if it happens again, tell an admin the number {number}, which is in the log "
            "of the web process.",
            number=number_of("what was painted on the canvas", fault),
        ),
        code="internal",
    )


def _lost(sheet: drawings.Sheet) -> int:
    if sheet.previous is None:
        return 0
    return len(missing(sheet.previous.strokes, sheet.drawing.strokes))
