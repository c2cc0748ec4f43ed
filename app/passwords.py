"""Passwords: the rules for choosing one, hashing with argon2id, and one-time passwords."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from studio.errors import UserInputError

MIN_CHARS = 10
MAX_CHARS = 1024
"""Longer ones are refused, so that nobody can make the hash eat a megabyte."""

_HASHER = PasswordHasher()
# Without the letters and digits that are mistaken for one another when read aloud or copied.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordRefusedError(UserInputError):
    """The chosen password breaks a rule; the message says which."""

    code = "password.refused"


def check_password(password: str, *, user_name: str) -> None:
    """Refuse a password that is too short, too long, one character repeated, or the name.

    Raises:
        PasswordRefusedError: naming the rule.

    """
    if len(password) < MIN_CHARS:
        raise PasswordRefusedError(
            "The new password is too short", remedy=f"Use at least {MIN_CHARS} characters."
        )
    if len(password) > MAX_CHARS:
        raise PasswordRefusedError(
            "The new password is too long", remedy=f"Use at most {MAX_CHARS} characters."
        )
    if password.casefold().strip() == user_name.casefold():
        raise PasswordRefusedError(
            "The new password is your name", remedy="Choose one that nobody would guess."
        )
    if len(set(password)) == 1:
        raise PasswordRefusedError(
            "The new password is one character repeated",
            remedy="Choose one that nobody would guess.",
        )


def hash_password(password: str) -> str:
    """The argon2id hash, with its salt and cost inside; takes tens of milliseconds."""
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` made ``password_hash``.

    ``None`` stands for an account that does not exist: it takes as long and is false.
    """
    try:
        _HASHER.verify(password_hash or _decoy_hash(), password)
    except VerifyMismatchError:
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with another cost than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def one_time_password() -> str:
    """Sixteen random characters (79 bits) in groups of four."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


@lru_cache(maxsize=1)
def _decoy_hash() -> str:
    return _HASHER.hash(secrets.token_hex())
