from __future__ import annotations

import re

import pytest

from app.people.sessions import Visitor
from app.people.signing_in import SignInRefusedError, authenticate
from tasks.services import get_services
from tests.app.commands.outcome import Outcome, Studio


@pytest.fixture
def migrated(studio: Studio) -> Studio:
    assert studio("migrate").code == 0
    return studio


def password_in(outcome: Outcome) -> str:
    [password] = re.findall(r"^[a-z2-9]{4}(?:-[a-z2-9]{4}){3}$", outcome.out, re.MULTILINE)
    return password


def test_user_add_prints_a_password_that_signs_in(migrated: Studio) -> None:
    outcome = migrated("user", "add", "Mina", "--role", "viewer")

    assert outcome.code == 0
    assert authenticate(get_services(), "mina", password_in(outcome), Visitor())
    assert migrated("user", "list", "--json").json == [
        {"name": "mina", "role": "viewer", "state": "enabled"}
    ]


def test_user_add_taken_name_is_one_sentence_and_exit_code_1(migrated: Studio) -> None:
    migrated("user", "add", "mina")

    outcome = migrated("user", "add", "MINA")

    assert outcome.code == 1
    refused = "There is already an account called “mina”. Choose another name. [account.name_taken]"
    assert outcome.err == f"{refused}\n"


def test_user_disable_and_enable_close_and_open_the_door(migrated: Studio) -> None:
    password = password_in(migrated("user", "add", "mina"))

    assert migrated("user", "disable", "mina").code == 0
    assert "disabled" in migrated("user", "list").out
    with pytest.raises(SignInRefusedError):
        authenticate(get_services(), "mina", password, Visitor())

    assert migrated("user", "enable", "mina").code == 0
    assert authenticate(get_services(), "mina", password, Visitor())


def test_user_disable_last_admin_is_refused(migrated: Studio) -> None:
    migrated("user", "add", "boss", "--role", "admin")

    outcome = migrated("user", "disable", "boss")

    assert outcome.code == 1
    assert "last admin" in outcome.err


def test_user_reset_password_replaces_the_old_one(migrated: Studio) -> None:
    old = password_in(migrated("user", "add", "mina"))

    new = password_in(migrated("user", "reset-password", "mina"))

    assert authenticate(get_services(), "mina", new, Visitor())
    with pytest.raises(SignInRefusedError):
        authenticate(get_services(), "mina", old, Visitor())


def test_user_unknown_name_says_so(migrated: Studio) -> None:
    outcome = migrated("user", "disable", "nobody")

    refused = "There is no account called “nobody”. [account.unknown]\n"
    assert (outcome.code, outcome.err) == (1, refused)


def test_user_commands_before_the_first_migration_name_the_remedy(studio: Studio) -> None:
    outcome = studio("user", "list")

    assert outcome.code == 1
    assert "studio migrate" in outcome.err


def test_user_commands_with_an_unreachable_database_name_the_setting(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIO_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")

    outcome = studio("user", "list")

    assert outcome.code == 1
    assert "STUDIO_DATABASE_URL" in outcome.err
