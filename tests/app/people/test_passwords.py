from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.people.passwords import (
    MAX_CHARS,
    PasswordRefusedError,
    check_password,
    hash_password,
    needs_rehash,
    one_time_password,
    verify_password,
)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("nine char", "too short"),
        ("x" * (MAX_CHARS + 1), "too long"),
        ("Mei.Lin.Zhao", "first that are guessed"),
        ("zhaozhaozhao", "first that are guessed"),
        ("aaaaaaaaaaaa", "first that are guessed"),
        ("password123", "first that are guessed"),
        ("1234567890", "first that are guessed"),
        ("qwertyuiop", "first that are guessed"),
        ("darkroomdarkroom", "first that are guessed"),
        ("Darkroom2026", "first that are guessed"),
        ("          ", "first that are guessed"),
        ("password" * 20, "first that are guessed"),
    ],
)
def test_check_password_weak_is_refused_with_the_rule(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefusedError, match=reason):
        check_password(password, user_name="mei.lin.zhao")


def test_check_password_reasonable_is_taken() -> None:
    check_password("三个 不相关 的词语 也可以", user_name="mei")


def test_verify_password_right_and_wrong() -> None:
    password_hash = hash_password("correct horse battery")
    assert password_hash.startswith("$argon2id$")
    assert verify_password(password_hash, "correct horse battery")
    assert not verify_password(password_hash, "correct horse batterx")
    assert not needs_rehash(password_hash)


@settings(max_examples=5, deadline=None)
@given(st.text(max_size=40))
def test_verify_password_without_an_account_is_never_right(password: str) -> None:
    assert not verify_password(None, password)


def test_needs_rehash_cheaper_hash_is_outdated() -> None:
    cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
    assert needs_rehash(cheap)


def test_one_time_password_is_new_each_time_and_passes_the_rules() -> None:
    passwords = {one_time_password() for _ in range(50)}
    assert len(passwords) == 50
    for password in passwords:
        check_password(password, user_name="mei")
