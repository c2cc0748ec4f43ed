from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Never

import pytest
from sqlalchemy import select, update

from app.people import accounts, sessions
from app.people.signing_in import authenticate
from db.errors import DatabaseAwayError
from db.models import ApiToken, UserSession
from db.repositories.api_tokens import ApiTokenRepository
from db.types import Role, Scope, utc_now
from studio.errors import UserInputError
from tasks.authority import NotAllowedError
from tasks.services import Services
from tests.people import HERE, PASSWORD, make_person, open_session, sign_in


def test_open_session_keeps_only_the_hash_of_the_token(any_services: Services) -> None:
    actor = make_person(any_services)
    token, signed_in = sign_in(any_services, actor)
    with any_services.database.read() as unit:
        row = unit.scalars(select(UserSession)).one()
    assert row.token_hash == hashlib.sha256(token.encode()).digest()
    assert (row.ip, row.agent) == (HERE.ip, HERE.agent)
    assert signed_in.actor == actor
    assert len(token) >= 43


def test_find_session_unknown_or_expired_is_none(any_services: Services) -> None:
    token, _ = sign_in(any_services, make_person(any_services))
    assert sessions.find_session(any_services, "x" * 43) is None
    assert sessions.find_session(any_services, "不是 ascii") is None
    with any_services.database.write() as unit:
        unit.execute(update(UserSession).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert sessions.find_session(any_services, token) is None


def test_end_session_ends_this_browser_only(any_services: Services) -> None:
    actor = make_person(any_services)
    here, _ = sign_in(any_services, actor)
    elsewhere, _ = sign_in(any_services, actor)
    sessions.end_session(any_services, here, HERE)
    sessions.end_session(any_services, here, HERE)
    assert sessions.find_session(any_services, here) is None
    assert sessions.find_session(any_services, elsewhere) is not None


def test_end_other_sessions_spares_this_one_and_other_people(any_services: Services) -> None:
    actor = make_person(any_services)
    here, signed_in = sign_in(any_services, actor)
    elsewhere, _ = sign_in(any_services, actor)
    somebody_elses, _ = sign_in(any_services, make_person(any_services, "li"))
    sessions.end_other_sessions(any_services, signed_in, HERE)
    assert sessions.find_session(any_services, here) == signed_in
    assert sessions.find_session(any_services, elsewhere) is None
    assert sessions.find_session(any_services, somebody_elses) is not None


def test_sessions_of_lists_the_newest_first(services: Services) -> None:
    actor = make_person(services)
    first, second = (sign_in(services, actor)[1].session_id for _ in range(2))
    sign_in(services, make_person(services, "li"))
    assert [row.id for row in sessions.sessions_of(services, actor)] == [second, first]


def test_api_token_acts_for_its_person_until_revoked(any_services: Services) -> None:
    actor = make_person(any_services)
    token = sessions.create_api_token(any_services, actor, " nightly export ", HERE)
    assert sessions.find_api_token(any_services, token) == actor
    [row] = sessions.api_tokens_of(any_services, actor)
    assert row.name == "nightly export"
    assert token.startswith(row.prefix)
    assert row.last_used_at is not None
    assert row.token_hash == hashlib.sha256(token.encode()).digest()
    sessions.revoke_api_token(any_services, actor, row.id, HERE)
    assert sessions.find_api_token(any_services, token) is None


def test_api_token_revoked_leaves_the_others(any_services: Services) -> None:
    actor = make_person(any_services)
    first, second = (
        sessions.create_api_token(any_services, actor, name, HERE) for name in ("a", "b")
    )
    rows = {row.name: row for row in sessions.api_tokens_of(any_services, actor)}
    sessions.revoke_api_token(any_services, actor, rows["a"].id, HERE)
    assert sessions.find_api_token(any_services, first) is None
    assert sessions.find_api_token(any_services, second) == actor


def test_api_token_beside_as_many_as_one_may_have_is_refused_until_one_goes(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, other = make_person(any_services), make_person(any_services, "li")
    sessions.create_api_token(any_services, actor, "a", HERE)
    monkeypatch.setattr(sessions, "MAX_TOKENS", 1)
    with pytest.raises(UserInputError, match=r"You have 1 token .* Revoke one first") as refused:
        sessions.create_api_token(any_services, actor, "b", HERE)
    assert refused.value.code == "token.too_many"
    sessions.create_api_token(any_services, other, "b", HERE)
    [row] = sessions.api_tokens_of(any_services, actor)
    sessions.revoke_api_token(any_services, actor, row.id, HERE)
    sessions.create_api_token(any_services, actor, "b", HERE)


def test_api_token_cannot_be_revoked_by_others(services: Services) -> None:
    actor, other = make_person(services), make_person(services, "li")
    token = sessions.create_api_token(services, actor, "mine", HERE)
    [row] = sessions.api_tokens_of(services, actor)
    sessions.revoke_api_token(services, other, row.id, HERE)
    assert sessions.find_api_token(services, token) == actor


def test_api_token_ends_for_good_when_the_account_is_shut(any_services: Services) -> None:
    actor = make_person(any_services)
    make_person(any_services, "boss", Role.ADMIN)
    token = sessions.create_api_token(any_services, actor, "mine", HERE)
    accounts.disable(any_services, actor.id)
    assert sessions.find_api_token(any_services, token) is None
    accounts.enable(any_services, actor.id)
    assert sessions.find_api_token(any_services, token) is None


def test_api_token_ends_with_the_password(any_services: Services) -> None:
    actor, other = make_person(any_services), make_person(any_services, "li")
    _, signed_in = sign_in(any_services, actor)
    token = sessions.create_api_token(any_services, actor, "mine", HERE)
    of_other = sessions.create_api_token(any_services, other, "mine", HERE)
    accounts.change_password(any_services, signed_in, PASSWORD, "a new good password", HERE)
    assert sessions.find_api_token(any_services, token) is None
    assert sessions.find_api_token(any_services, of_other) is not None


@pytest.mark.parametrize(
    ("role", "scope", "acts_as"),
    [
        (Role.ADMIN, Scope.READ, Role.VIEWER),
        (Role.ADMIN, Scope.RUN, Role.MEMBER),
        (Role.ADMIN, Scope.ADMIN, Role.ADMIN),
        (Role.MEMBER, Scope.ADMIN, Role.MEMBER),
        (Role.VIEWER, Scope.RUN, Role.VIEWER),
    ],
)
def test_api_token_does_what_scope_and_role_both_allow(
    services: Services, role: Role, scope: Scope, acts_as: Role
) -> None:
    actor = make_person(services, "mei", role)
    token = sessions.create_api_token(services, actor, "mine", HERE, scope=scope)
    assert sessions.find_api_token(services, token) == replace(actor, role=acts_as)


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_api_token_without_a_known_scope_is_worthless(
    services: Services, scopes: list[str]
) -> None:
    token = sessions.create_api_token(services, make_person(services), "mine", HERE)
    with services.database.write() as unit:
        unit.execute(update(ApiToken).values(scopes=scopes))
    assert sessions.find_api_token(services, token) is None


def test_open_session_of_an_account_shut_meanwhile_is_refused(any_services: Services) -> None:
    actor = make_person(any_services)
    make_person(any_services, "boss", Role.ADMIN)
    accounts.disable(any_services, actor.id)
    with pytest.raises(NotAllowedError) as refusal:
        open_session(any_services, actor.id, HERE)
    assert refusal.value.code == "permission.no_account"


def test_open_session_by_a_password_changed_meanwhile_is_refused(any_services: Services) -> None:
    make_person(any_services)
    found = authenticate(any_services, "mei", PASSWORD, HERE)
    accounts.reset_password(any_services, found.user_id)
    with pytest.raises(NotAllowedError) as refusal:
        sessions.open_session(any_services, found.user_id, HERE, password_hash=found.password_hash)
    assert refusal.value.code == "permission.signed_out"


def test_api_token_expires(services: Services) -> None:
    actor = make_person(services)
    token = sessions.create_api_token(services, actor, "mine", HERE)
    with services.database.write() as unit:
        unit.execute(update(ApiToken).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert sessions.find_api_token(services, token) is None


def test_api_token_acts_while_nothing_can_be_written(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Never:
        raise DatabaseAwayError

    actor = make_person(services)
    token = sessions.create_api_token(services, actor, "mine", HERE)
    monkeypatch.setattr(ApiTokenRepository, "mark_used", fail)
    assert sessions.find_api_token(services, token) == actor


def test_api_token_with_a_name_that_is_too_long_is_refused(services: Services) -> None:
    actor = make_person(services)
    with pytest.raises(UserInputError) as refusal:
        sessions.create_api_token(services, actor, "n" * 65, HERE)
    assert refusal.value.code == "text.invalid"
    assert not sessions.api_tokens_of(services, actor)
