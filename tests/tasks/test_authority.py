from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from uuid import uuid4

import pytest
from sqlalchemy import text

from db.actor import Actor
from db.errors import DatabaseAwayError
from db.models import User
from db.repositories.accounts import AccountRepository
from db.repositories.api_tokens import ApiTokenRepository
from db.session import Database
from db.types import Role, Scope, utc_now
from tasks.authority import Needs, NotAllowedError, authorise, require
from tests.factories import make_actor

WAIT_S = 20


def new_actor(database: Database, role: Role = Role.MEMBER) -> Actor:
    with database.write() as session:
        return make_actor(session, role=role)


def set_role(database: Database, actor: Actor, role: Role) -> None:
    with database.write() as session:
        AccountRepository(session).set_role(session.get_one(User, actor.id), role)


def answer(database: Database, actor: Actor, needs: Needs) -> str:
    """The role that it grants, or the code of its refusal."""
    try:
        with database.write() as session:
            return authorise(session, actor, needs).role
    except NotAllowedError as error:
        return error.code


def test_authorise_grants_up_to_the_role(database: Database) -> None:
    new_actor(database, Role.ADMIN)
    people = [new_actor(database, role) for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN)]
    assert [[answer(database, one, needs) for needs in Needs] for one in people] == [
        ["viewer"] * 2 + ["permission.may_not_run"] * 2 + ["permission.not_admin"],
        ["member"] * 4 + ["permission.not_admin"],
        ["admin"] * 5,
    ]


def test_authorise_takes_the_role_of_now(database: Database) -> None:
    new_actor(database, Role.ADMIN)
    actor = new_actor(database, Role.ADMIN)
    set_role(database, actor, Role.MEMBER)
    assert answer(database, actor, Needs.ADMIN) == "permission.not_admin"
    assert answer(database, actor, Needs.RUNNING) == "member"


def test_authorise_never_grants_more_than_the_actor_came_with(database: Database) -> None:
    narrowed = replace(new_actor(database, Role.ADMIN), role=Role.VIEWER)
    assert answer(database, narrowed, Needs.RUNNING) == "permission.may_not_run"
    assert answer(database, narrowed, Needs.ACCOUNT) == "viewer"


def test_authorise_closed_or_unknown_account_is_refused(database: Database) -> None:
    new_actor(database, Role.ADMIN)
    actor = new_actor(database)
    with database.write() as session:
        AccountRepository(session).disable(session.get_one(User, actor.id))
    stranger = Actor(uuid4(), "nobody", Role.ADMIN)
    assert answer(database, actor, Needs.ACCOUNT) == "permission.no_account"
    assert answer(database, stranger, Needs.ADMIN) == "permission.no_account"


def test_require_knows_no_more_than_the_actor() -> None:
    with pytest.raises(NotAllowedError):
        require(Actor(uuid4(), "vera", Role.VIEWER), Needs.RUNNING)


@pytest.mark.parametrize("needs", [Needs.RUNNING, Needs.ADMIN])
def test_authorise_role_stays_until_the_deed_is_done(database: Database, needs: Needs) -> None:
    new_actor(database, Role.ADMIN)
    actor = new_actor(database, Role.ADMIN)
    is_changing = Event()
    order: list[str] = []

    def demote() -> None:
        is_changing.set()
        set_role(database, actor, Role.VIEWER)
        order.append("demoted")

    with ThreadPoolExecutor() as pool:
        with database.write() as session:
            authorise(session, actor, needs)
            demotion = pool.submit(demote)
            assert is_changing.wait(WAIT_S)
            order.append("done")
        demotion.result(WAIT_S)
    assert order == ["done", "demoted"]


@pytest.mark.parametrize(
    ("needs", "waits"),
    [(Needs.ENTRY, False), (Needs.ACCOUNT, True), (Needs.RUNNING, False), (Needs.COUNTING, True)],
)
def test_authorise_deeds_of_one_person_wait_only_where_they_change_or_count(
    postgres_database: Database, needs: Needs, waits: bool
) -> None:
    actor = new_actor(postgres_database)
    with postgres_database.write() as first:
        authorise(first, actor, needs)
        outcome = pytest.raises(DatabaseAwayError) if waits else nullcontext()
        with outcome, postgres_database.write() as second:
            second.execute(text("SET LOCAL lock_timeout = '100ms'"))
            authorise(second, actor, needs)


def test_authorise_two_admins_who_demote_one_another_end_with_one(database: Database) -> None:
    first, second = new_actor(database, Role.ADMIN), new_actor(database, Role.ADMIN)

    def demote(by: Actor, whom: Actor) -> Callable[[], str]:
        def run() -> str:
            try:
                with database.write() as session:
                    authorise(session, by, Needs.ADMIN)
                    user = session.get_one(User, whom.id)
                    AccountRepository(session).set_role(user, Role.VIEWER)
            except NotAllowedError as error:
                return error.code
            return "done"

        return run

    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(demote(first, second)), pool.submit(demote(second, first))]
        assert sorted(run.result(WAIT_S) for run in runs) == ["done", "permission.not_admin"]


@pytest.mark.parametrize("kind", ["session", "token"])
def test_authorise_what_they_came_with_has_ended_is_refused(database: Database, kind: str) -> None:
    with database.write() as session:
        actor = make_actor(session)
        user = session.get_one(User, actor.id)
        if kind == "session":
            opened = AccountRepository(session).open_session(user, b"x" * 32, far_off())
            actor = replace(actor, session_id=opened.id)
        else:
            token = ApiTokenRepository(session).create(
                actor.id, "", prefix="dr_", token_hash=b"x" * 32, scopes=[Scope.RUN]
            )
            actor = replace(actor, token_id=token.id)
    assert answer(database, actor, Needs.RUNNING) == Role.MEMBER
    with database.write() as session:
        AccountRepository(session).set_password(session.get_one(User, actor.id), "another hash")
    assert answer(database, actor, Needs.RUNNING) == "permission.signed_out"


def test_authorise_session_of_another_or_past_its_time_is_refused(database: Database) -> None:
    with database.write() as session:
        actor, other = make_actor(session), make_actor(session)
        accounts = AccountRepository(session)
        theirs = accounts.open_session(session.get_one(User, other.id), b"x" * 32, far_off())
        past = accounts.open_session(session.get_one(User, actor.id), b"y" * 32, utc_now())
    for session_id in (theirs.id, past.id):
        came_with = replace(actor, session_id=session_id)
        assert answer(database, came_with, Needs.ACCOUNT) == "permission.signed_out"


def far_off() -> datetime:
    return utc_now() + timedelta(days=1)
