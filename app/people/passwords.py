"""Passwords: the rules for choosing one, hashing with argon2id, and one-time passwords."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from studio.errors import UserInputError
from studio.words import msg, msgs

MIN_CHARS = 10
MAX_CHARS = 1024
"""Longer ones are refused, so that nobody can make the hash eat a megabyte."""

_JUDGED_CHARS = 72
"""Judging takes a third of a second for these, and longer than in proportion for more."""
_MIN_GUESSES = 10**6
"""At ten guesses in five minutes from one address, a year."""

_HASHER = PasswordHasher()
# Without the letters and digits that are mistaken for one another when read aloud or copied.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordRefusedError(UserInputError):
    """The chosen password breaks a rule; the message says which."""

    code = "password.refused"


def check_password(password: str, *, user_name: str) -> None:
    """Refuse a password that is too short, too long, or easily guessed.

    Raises:
        PasswordRefusedError: naming the rule.

    """
    if len(password) < MIN_CHARS:
        raise PasswordRefusedError(
            msg("The new password is too short"),
            remedy=msgs("Use {n} character or more.", "Use at least {n} characters.", MIN_CHARS),
        )
    if len(password) > MAX_CHARS:
        raise PasswordRefusedError(
            msg("The new password is too long"),
            remedy=msgs("Use {n} character.", "Use at most {n} characters.", MAX_CHARS),
        )
    if _guesses(password, user_name) < _MIN_GUESSES:
        raise PasswordRefusedError(
            msg("The new password is among the first that are guessed"),
            remedy=msg("Use several words, without your name and without repeating them."),
        )


def _guesses(password: str, user_name: str) -> float:
    """About how many guesses come first, by lists of leaked passwords, words and patterns."""
    known = [user_name, *re.split(r"[._@-]+", user_name), "darkroom", "studio"]
    return float(zxcvbn(password[:_JUDGED_CHARS], user_inputs=known)["guesses"])


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
