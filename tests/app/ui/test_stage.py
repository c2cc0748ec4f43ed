from __future__ import annotations

from app.ui import stage
from app.ui.stage import Room


def test_room_that_a_browser_tells_is_one_that_a_window_may_have() -> None:
    for told, side in ((1e12, 4_000), (float("inf"), 4_000), (-3, 1), (812.6, 812)):
        room = stage.read_events({"room": {"width": told, "height": told}}).room
        assert room == Room(side, side)
