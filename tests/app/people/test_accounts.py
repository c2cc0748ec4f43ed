from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.people import accounts
from app.people.accounts import AccountError
from app.people.passwords import PasswordRefusedError
from app.people.sessions import find_session
from app.people.signing_in import SignInRefusedError, TooManyAttemptsError, authenticate
from db.actor import Actor
from db.models import User
from db.repositories.audit import AuditRepository
from db.types import Role
from studio.errors import UserInputError
from tasks.authority import NotAllowedError
from tasks.services import Services
from tests.people import HERE, PASSWORD, audit, fail_to_sign_in, make_person, sign_in

pytestmark = pytest.mark.usefixtures("waits_outlast_the_test")


def user_named(services: Services, name: str) -> User:
    return accounts.find_user(services, name)


def test_change_password_is_not_locked_by_guesses_elsewhere(services: Services) -> None:
    mei = make_person(services)
    _, signed_in = sign_in(services, mei)
    fail_to_sign_in(services, "mei", services.settings.sign_in_attempts)
    accounts.change_password(services, signed_in, PASSWORD, "a new good password", HERE)


def test_create_user_makes_an_account_that_must_change_its_password(
    any_services: Services,
) -> None:
    account = accounts.create_user(any_services, " Mei.Lin ", Role.VIEWER)
    user = user_named(any_services, "mei.lin")
    assert (user.id, user.role, user.must_change_password) == (account.id, Role.VIEWER, True)
    assert authenticate(any_services, "mei.lin", account.one_time_password, HERE)
    assert ("user.create", "mei.lin") in audit(any_services)


def test_create_user_taken_name_is_refused(any_services: Services) -> None:
    make_person(any_services, "mei")
    with pytest.raises(AccountError, match="already an account") as refusal:
        accounts.create_user(any_services, "MEI", Role.MEMBER)
    assert refusal.value.code == "account.name_taken"


@pytest.mark.parametrize("name", ["", "  ", "a b", "x" * 65, "a/b", "<script>", "a\x00b"])
def test_check_name_unusable_is_refused(name: str) -> None:
    with pytest.raises(UserInputError) as refusal:
        accounts.check_name(name)
    assert refusal.value.code == "account.name_invalid"


@given(st.text(max_size=80))
def test_check_name_is_stable_and_safe_for_any_text(name: str) -> None:
    try:
        clean = accounts.check_name(name)
    except UserInputError:
        return
    assert accounts.check_name(clean) == clean
    assert 1 <= len(clean) <= 64
    assert not set(clean) & set("<>&\"'/\\ \n\x00")


def test_change_password_keeps_this_browser_and_ends_the_others(any_services: Services) -> None:
    actor = make_person(any_services, must_change_password=True)
    here, signed_in = sign_in(any_services, actor)
    elsewhere, _ = sign_in(any_services, actor)
    accounts.change_password(any_services, signed_in, PASSWORD, "another good one", HERE)
    kept = find_session(any_services, here)
    assert kept is not None
    assert not kept.must_change_password
    assert find_session(any_services, elsewhere) is None
    assert authenticate(any_services, "mei", "another good one", HERE).user_id == actor.id


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("not it", "another good one", "password.wrong"),
        (PASSWORD, PASSWORD, "password.same"),
        (PASSWORD, "short", "password.refused"),
    ],
)
def test_change_password_refusals_leave_the_old_one(
    services: Services, current: str, new: str, code: str
) -> None:
    _, signed_in = sign_in(services, make_person(services))
    with pytest.raises(PasswordRefusedError) as refusal:
        accounts.change_password(services, signed_in, current, new, HERE)
    assert refusal.value.code == code
    authenticate(services, "mei", PASSWORD, HERE)


def test_change_password_overtaken_by_a_reset_leaves_the_reset(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = make_person(any_services)
    _, signed_in = sign_in(any_services, actor)
    issued: list[str] = []
    hash_password = accounts.hash_password

    def hash_while_an_admin_resets(password: str) -> str:
        monkeypatch.undo()
        issued.append(accounts.reset_password(any_services, actor.id))
        return hash_password(password)

    monkeypatch.setattr(accounts, "hash_password", hash_while_an_admin_resets)
    with pytest.raises(NotAllowedError) as refusal:
        accounts.change_password(any_services, signed_in, PASSWORD, "another good one", HERE)
    assert refusal.value.code == "permission.signed_out"
    assert authenticate(any_services, "mei", issued[0], HERE).user_id == actor.id


def test_change_password_overtaken_by_the_same_is_refused(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, signed_in = sign_in(services, make_person(services))
    hash_password = accounts.hash_password

    def hash_while_another_tab_is_quicker(password: str) -> str:
        monkeypatch.setattr(accounts, "hash_password", hash_password)
        accounts.change_password(services, signed_in, PASSWORD, "the quicker one", HERE)
        return hash_password(password)

    monkeypatch.setattr(accounts, "hash_password", hash_while_another_tab_is_quicker)
    with pytest.raises(PasswordRefusedError):
        accounts.change_password(services, signed_in, PASSWORD, "the slower one", HERE)
    authenticate(services, "mei", "the quicker one", HERE)


def test_change_password_guessing_the_current_one_is_limited(services: Services) -> None:
    _, signed_in = sign_in(services, make_person(services))
    for _ in range(services.settings.sign_in_attempts):
        with pytest.raises(PasswordRefusedError):
            accounts.change_password(services, signed_in, "a guess", "another good one", HERE)
    with pytest.raises(TooManyAttemptsError):
        accounts.change_password(services, signed_in, PASSWORD, "another good one", HERE)


def test_reset_password_ends_sessions_and_issues_a_one_time_password(
    any_services: Services,
) -> None:
    actor = make_person(any_services)
    token, _ = sign_in(any_services, actor)
    password = accounts.reset_password(any_services, actor.id)
    assert find_session(any_services, token) is None
    authenticate(any_services, "mei", password, HERE)
    assert user_named(any_services, "mei").must_change_password


def test_set_role_holds_from_the_next_look_up(any_services: Services) -> None:
    actor = make_person(any_services)
    token, _ = sign_in(any_services, actor)
    accounts.set_role(any_services, actor.id, Role.VIEWER)
    signed_in = find_session(any_services, token)
    assert signed_in is not None
    assert signed_in.actor.role is Role.VIEWER


def test_disable_ends_sessions_and_enable_lets_in_again(any_services: Services) -> None:
    actor = make_person(any_services)
    token, _ = sign_in(any_services, actor)
    accounts.disable(any_services, actor.id)
    assert find_session(any_services, token) is None
    with pytest.raises(SignInRefusedError):
        authenticate(any_services, "mei", PASSWORD, HERE)
    accounts.enable(any_services, actor.id)
    assert authenticate(any_services, "mei", PASSWORD, HERE).user_id == actor.id


def test_last_admin_can_be_neither_disabled_nor_demoted(any_services: Services) -> None:
    admin = make_person(any_services, "boss", Role.ADMIN)
    accounts.disable(any_services, make_person(any_services, "second", Role.ADMIN).id)
    with pytest.raises(AccountError) as refusal:
        accounts.disable(any_services, admin.id, by=admin)
    assert refusal.value.code == "account.last_admin"
    with pytest.raises(AccountError):
        accounts.set_role(any_services, admin.id, Role.MEMBER, by=admin)
    assert user_named(any_services, "boss").role is Role.ADMIN


def test_managing_people_is_for_admins(services: Services) -> None:
    mei, li = make_person(services, "mei"), make_person(services, "li")
    for deed in (
        lambda: accounts.create_user(services, "new", Role.ADMIN, by=mei),
        lambda: accounts.reset_password(services, li.id, by=mei),
        lambda: accounts.set_role(services, mei.id, Role.ADMIN, by=mei),
        lambda: accounts.disable(services, li.id, by=mei),
        lambda: accounts.enable(services, li.id, by=mei),
    ):
        with pytest.raises(NotAllowedError):
            deed()
    assert {user.name for user in accounts.everybody(services)} == {"li", "mei"}


def test_managing_unknown_account_is_refused(services: Services) -> None:
    with pytest.raises(AccountError) as refusal:
        accounts.disable(services, uuid4())
    assert refusal.value.code == "account.unknown"


def test_ensure_first_admin_makes_one_once(any_services: Services) -> None:
    password = accounts.ensure_first_admin(any_services)
    assert password is not None
    assert accounts.ensure_first_admin(any_services) is None
    [admin] = accounts.everybody(any_services)
    assert (admin.name, admin.role, admin.must_change_password) == ("admin", Role.ADMIN, True)
    assert authenticate(any_services, "admin", password, HERE).user_id == admin.id


def test_ensure_first_admin_uses_the_operators_name_and_password(services: Services) -> None:
    given = {"admin_name": "Boss", "admin_password": SecretStr("from the operator")}
    chosen = Services(services.settings.model_copy(update=given), services.database, services.blobs)
    assert accounts.ensure_first_admin(chosen) == "from the operator"
    assert authenticate(chosen, "boss", "from the operator", HERE)


def test_audit_tells_who_did_what_to_whom(services: Services) -> None:
    admin = make_person(services, "boss", Role.ADMIN)
    account = accounts.create_user(services, "mei", Role.MEMBER, by=admin, visitor=HERE)
    accounts.set_role(services, account.id, Role.VIEWER, by=admin, visitor=HERE)
    with services.database.read() as unit:
        changed, created = AuditRepository(unit).page(admin)
    assert (created.action, created.actor_name, created.ip) == ("user.create", "boss", HERE.ip)
    assert (changed.action, changed.subject) == ("user.set_role", "mei")
    assert changed.detail == {"before": "member", "after": "viewer"}


def test_choose_language_holds_for_sessions_until_taken_back(any_services: Services) -> None:
    mei = make_person(any_services)
    token, signed_in = sign_in(any_services, mei)
    chosen = []
    for locale in ("en", None):
        accounts.choose_language(any_services, mei, locale, HERE)
        found = find_session(any_services, token)
        assert found
        chosen.append(found.actor.locale)

    assert (signed_in.actor.locale, chosen) == (None, ["en", None])
    assert audit(any_services).count(("user.choose_language", "mei")) == 2


def test_choose_language_that_nobody_speaks_is_refused(services: Services) -> None:
    mei = make_person(services)

    with pytest.raises(AccountError) as refused:
        accounts.choose_language(services, mei, "tlh", HERE)

    assert refused.value.code == "account.language_unknown"
    assert user_named(services, "mei").locale is None


def test_choose_language_of_a_closed_account_is_refused(services: Services) -> None:
    mei = make_person(services)
    make_person(services, "boss", Role.ADMIN)
    accounts.disable(services, mei.id)

    with pytest.raises(NotAllowedError):
        accounts.choose_language(services, mei, "en", HERE)


def test_two_deeds_of_one_person_wait_for_each_other(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = make_person(any_services)
    both, authorise = Barrier(2), accounts.authorise

    def authorise_and_meet(*args: Any) -> Actor:
        actor = authorise(*args)
        with suppress(BrokenBarrierError):  # where one waits for the other they do not meet
            both.wait(timeout=0.5)
        return actor

    monkeypatch.setattr(accounts, "authorise", authorise_and_meet)
    with ThreadPoolExecutor() as pool:
        for deed in [
            pool.submit(accounts.choose_language, any_services, mei, locale, HERE)
            for locale in ("en", "en")
        ]:
            deed.result(timeout=60)
    assert audit(any_services).count(("user.choose_language", "mei")) == 2
