from __future__ import annotations

from db.repositories.audit import AuditRepository
from db.session import Database
from db.types import Role
from tests.factories import make_actor


def test_entry_says_who_did_what_to_what_from_where(database: Database) -> None:
    with database.write() as session:
        eve = make_actor(session, "eve", Role.ADMIN)
        audit = AuditRepository(session)
        audit.record(eve.id, "user.disable", "ann", detail={"sessions": 2}, ip="::1")
        [row] = audit.page(eve)
        assert (row.actor_name, row.action, row.subject) == ("eve", "user.disable", "ann")
        assert (row.detail, row.ip) == ({"sessions": 2}, "::1")
        assert row.at.utcoffset() is not None


def test_page_is_newest_first_and_continues_before_an_entry(database: Database) -> None:
    with database.write() as session:
        eve = make_actor(session, role=Role.ADMIN)
        audit = AuditRepository(session)
        for number in range(5):
            audit.record(eve.id, "user.create", str(number))
        first = audit.page(eve, limit=2)
        assert [row.subject for row in first] == ["4", "3"]
        assert [row.subject for row in audit.page(eve, before=first[-1].id)] == ["2", "1", "0"]


def test_entry_falls_with_the_deed_that_failed(database: Database) -> None:
    with database.write() as session:
        eve = make_actor(session, role=Role.ADMIN)
    with database.read() as session:  # a unit of work that is never committed
        AuditRepository(session).record(eve.id, "user.disable")
    with database.read() as session:
        assert AuditRepository(session).page(eve) == []
