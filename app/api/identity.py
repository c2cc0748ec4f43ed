"""Who sends a request: the session cookie, API tokens, and proof that a form is our own.

The cookie holds a random token of which the database knows only the SHA-256. It is looked
up on every request and on every rerun of a page, so an account that is signed out or
disabled in one place is out everywhere at once. Who is identified is answered in the language
that they chose.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.language import speak_as_chosen
from app.people.browsers import KNOWN_FOR, browser_cookie, remember_browser
from app.people.sessions import SignedIn, Visitor, find_api_token, find_session, session_cookie
from db.actor import Actor
from studio.settings import Settings
from tasks.services import Services


def set_session_cookie(response: Response, settings: Settings, token: str) -> None:
    """Hand the token to the browser, out of reach of scripts and of other sites' forms."""
    response.set_cookie(
        session_cookie(settings),
        token,
        max_age=settings.session_days * 86_400,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def set_browser_cookie(response: Response, settings: Settings, user_id: UUID) -> None:
    """Have the browser be known at its next sign-in as one that this person was in with."""
    response.set_cookie(
        browser_cookie(settings),
        remember_browser(settings, user_id),
        max_age=int(KNOWN_FOR.total_seconds()),
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, settings: Settings) -> None:
    """Take the cookie back."""
    response.delete_cookie(
        session_cookie(settings),
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def identify(services: Services, connection: HTTPConnection) -> SignedIn | None:
    """The person behind a request, by its session cookie."""
    token = connection.cookies.get(session_cookie(services.settings))
    signed_in = find_session(services, token) if token else None
    if signed_in:
        speak_as_chosen(signed_in.actor.locale)
    return signed_in


def identify_script(services: Services, connection: HTTPConnection) -> Actor | None:
    """The person behind a request, by the API token in its ``Authorization`` header."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    actor = find_api_token(services, token) if scheme.lower() == "bearer" and token else None
    if actor:
        speak_as_chosen(actor.locale)
    return actor


def identify_asker(services: Services, connection: HTTPConnection) -> Actor | None:
    """The person behind a request by token or, where it has none that is valid, by cookie.

    Who has a one-time password is nobody yet, until it is changed.
    """
    actor = identify_script(services, connection)
    if actor is not None:
        return actor
    signed_in = identify(services, connection)
    return signed_in.actor if signed_in and not signed_in.must_change_password else None


def is_same_origin(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether a browser says that the request was made by one of our own pages.

    ``Sec-Fetch-Site`` decides where the browser sends it; over plain HTTP in a local
    network it does not, and ``Origin`` must then name the host that was asked. A request
    with neither header is refused.
    """
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    origin = _netloc(connection.headers.get("origin", ""))
    ours = {connection.headers.get("host", ""), _netloc(settings.public_url)}
    return bool(origin) and origin in ours


def _netloc(address: str) -> str:
    """Host and port of ``address``, empty when it is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def visitor_of(request: HTTPConnection, settings: Settings | None = None) -> Visitor:
    """Where the request comes from; behind trusted proxies it is what they say."""
    ip = request.client.host if request.client else ""
    browser = request.cookies.get(browser_cookie(settings), "") if settings else ""
    return Visitor(ip=ip, agent=request.headers.get("user-agent", ""), browser=browser)
