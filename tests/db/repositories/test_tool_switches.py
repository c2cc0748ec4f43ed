from __future__ import annotations

from db.repositories.tool_switches import ToolSwitchRepository
from db.session import Database
from tests.factories import make_actor


def test_tool_nobody_touched_is_on(database: Database) -> None:
    with database.write() as session:
        switches = ToolSwitchRepository(session)
        assert switches.switched_off() == frozenset()
        assert not switches.switch("cutout", is_on=True, changed_by=make_actor(session).id)
        assert switches.rows() == []


def test_switch_is_kept_with_who_turned_it_last(database: Database) -> None:
    with database.write() as session:
        ann, bob = make_actor(session, "ann"), make_actor(session, "bob")
        switches = ToolSwitchRepository(session)
        assert switches.switch("faceswap", is_on=False, changed_by=ann.id)
        assert not switches.switch("faceswap", is_on=False, changed_by=bob.id)
        assert switches.switched_off() == {"faceswap"}
        [row] = switches.rows()
        assert (row.tool, row.is_on, row.changed_by) == ("faceswap", False, "ann")
        assert switches.switch("faceswap", is_on=True, changed_by=bob.id)
        assert switches.switched_off() == frozenset()
        assert switches.rows()[0].changed_by == "bob"
