"""A hand that paints on the fullest drawing that a canvas takes, as a browser tells of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import ClientConnection

from app.painting import drawings
from app.painting.bounds import MAX_POINTS, MAX_STROKES
from app.painting.canvas_json import PAINT
from bench.running import answers
from db.actor import Actor
from studio.imaging.drawing import Drawing, Stroke, StrokeKind
from tasks.files import StoredFile
from tasks.services import Services
from tasks.submit import store_upload
from tests.pictures import png

_STROKES_LEFT = 50
"""That the drawing still takes, more than a bench paints."""
_WIDTH_PX, _HEIGHT_PX = 1500, 1000
_STROKE_REACH_PX = 90
_ROOM = {"room": {"width": 1200, "height": 1000}, "steps": []}
_BAR, _CANVAS = "darkroom_stage", "streamlit_drawable_canvas"


def fill(services: Services, actor: Actor) -> StoredFile:
    """A picture with a drawing of the actor's that takes few strokes more."""
    picture = store_upload(services, "full.png", png(1, _WIDTH_PX, _HEIGHT_PX))
    drawings.put_in_place(services, actor, picture, fullest_drawing())
    return picture


def fullest_drawing() -> Drawing:
    """Nearly as many strokes and points as one may hold."""
    random, strokes = np.random.default_rng(1), MAX_STROKES - _STROKES_LEFT
    places = random.uniform(0, _HEIGHT_PX - _STROKE_REACH_PX, (strokes, 1, 2))
    steps = random.uniform(0, _STROKE_REACH_PX, (strokes, (MAX_POINTS // MAX_STROKES), 2))
    return Drawing(
        width_px=_WIDTH_PX,
        height_px=_HEIGHT_PX,
        strokes=tuple(
            Stroke(
                kind=StrokeKind.BRUSH, points=tuple((x, y) for x, y in points.tolist()), width_px=20
            )
            for points in (places + steps).round(3)
        ),
    )


@dataclass(slots=True)
class Painter:
    """Who paints on ``picture`` on a page that is held open."""

    page: ClientConnection
    picture: StoredFile
    _states: dict[str, Any] = field(default_factory=dict)
    _fragment: str = ""
    _canvas: str = ""
    _objects: list[dict[str, Any]] = field(default_factory=list)

    async def open(self) -> None:
        """Have the canvas drawn, once the page knows what room there is for it."""
        bar, _ = await self._run(_BAR)
        self._states[bar] = _ROOM
        self._canvas, data = await self._run(_CANVAS)
        self._objects = json.loads(data)["initialDrawing"]["objects"]

    async def paint(self) -> None:
        """One stroke more; all that is on the canvas is told, and the page drawn anew."""
        y = 10.0 + len(self._objects) % 500
        line = {"type": "Path", "path": [["M", 20, y], ["L", 120, y]], "left": 70, "top": y}
        self._objects.append(line | {"stroke": PAINT, "strokeWidth": 10, "fill": None})
        self._states[self._canvas] = {"drawing": {"raw": {"objects": self._objects}, "data": None}}
        await self._run(_CANVAS)

    async def paint_often(self, strokes: int) -> None:
        """Stroke after stroke."""
        for _ in range(strokes):
            await self.paint()

    async def _run(self, component: str) -> tuple[str, str]:
        """Have the page drawn; the id and the data of one of its components."""
        found = ("", "")
        async for message in answers(self.page, self._wanted()):
            element = message.delta.new_element.bidi_component
            if element.component_name.endswith(component):
                found = element.id, element.json or element.mixed.json
                self._fragment = message.delta.fragment_id
        if not found[0]:
            raise SystemExit(f"The page came without its {component}.")
        return found

    def _wanted(self) -> BackMsg:
        wanted = BackMsg()
        script = wanted.rerun_script
        script.page_name, script.fragment_id = "inpaint", self._fragment
        script.query_string = f"picture={self.picture.sha256}&name={self.picture.file_name}"
        for id_, value in self._states.items():
            script.widget_states.widgets.add(id=id_, json_value=json.dumps(value))
        return wanted
