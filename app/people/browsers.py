"""Browsers that somebody has signed in with before, known by a cookie that we signed.

Guesses of strangers must not keep a person out. A browser that was in before is counted for
itself, so whoever guesses elsewhere does not slow it down; nor is it let in by the cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from uuid import UUID

from app.people.secret import cookie_secret
from db.types import utc_now
from studio.settings import Settings

KNOWN_FOR = timedelta(days=365)
_ID_BYTES = 16


def browser_cookie(settings: Settings) -> str:
    """The cookie's name; under HTTPS the prefix stops other hosts from planting one."""
    return "__Host-studio-browser" if settings.secure_cookies else "studio-browser"


def remember_browser(settings: Settings, user_id: UUID) -> str:
    """The value of the cookie for a browser that has just signed in as this person."""
    until = int((utc_now() + KNOWN_FOR).timestamp())
    said = f"{user_id.hex}.{secrets.token_hex(_ID_BYTES)}.{until}"
    return f"{said}.{_signature(settings, said)}"


def known_browser(settings: Settings, user_id: UUID, cookie: str) -> str | None:
    """The id of a browser that this person has signed in with before, by its cookie."""
    said, _, signature = cookie.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(settings, said).encode()):
        return None
    person, browser_id, until = said.split(".")
    if person != user_id.hex or int(until) < utc_now().timestamp():
        return None
    return browser_id


def _signature(settings: Settings, said: str) -> str:
    key = f"known browser {cookie_secret(settings.data_dir)}".encode()
    return hmac.new(key, said.encode(errors="replace"), hashlib.sha256).hexdigest()
