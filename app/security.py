"""Who is asking: the session cookie, API tokens, and proof that a form is our own.

The cookie holds a random token of which the database knows only the SHA-256. It is looked
up on every request and on every rerun of a page, so an account that is signed out or
disabled in one place is out everywhere at once.
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.sessions import SignedIn, Visitor, find_api_token, find_session
from db.actor import Actor
from studio.settings import Settings
from tasks.services import Services, get_services

_WATCH_S = 5
_RELOAD = "<script>window.location.reload()</script>"


def session_cookie(settings: Settings) -> str:
    """The cookie's name; under HTTPS the prefix stops other hosts from planting one."""
    return "__Host-studio" if settings.secure_cookies else "studio"


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
    return find_session(services, token) if token else None


def identify_script(services: Services, connection: HTTPConnection) -> Actor | None:
    """The person behind a request, by the API token in its ``Authorization`` header."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return find_api_token(services, token) if scheme.lower() == "bearer" and token else None


def is_same_origin(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether a browser says that the request was made by one of our own pages.

    ``Sec-Fetch-Site`` decides where the browser sends it; over plain HTTP in a local
    network it does not, and ``Origin`` must then name the host that was asked. A request
    with neither header is refused.
    """
    fetch_site = connection.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    origin = urlsplit(connection.headers.get("origin", "")).netloc
    ours = {connection.headers.get("host", ""), urlsplit(settings.public_url).netloc}
    return bool(origin) and origin in ours


def current_session() -> SignedIn | None:
    """The person behind the page that is being run, or none."""
    services = get_services()
    token = st.context.cookies.get(session_cookie(services.settings))
    return find_session(services, token) if token else None


def require_session() -> SignedIn:
    """As :func:`require_user`, with the session itself."""
    signed_in = current_session()
    if signed_in is None or signed_in.must_change_password:
        leave_page()
    return signed_in


def require_user() -> Actor:
    """The signed-in person; every page calls this first.

    Otherwise the run of the page ends here and the browser loads it anew, which the gate
    before the pages answers with the sign-in page or the password page.
    """
    return require_session().actor


def require_admin() -> Actor:
    """The signed-in admin; for others the run of the page ends with a sentence."""
    actor = require_user()
    if not actor.is_admin:
        st.error("Only admins can open this page.", icon=":material/lock:")
        st.stop()
    return actor


@st.fragment(run_every=_WATCH_S)
def watch_session() -> None:
    """Have a page that lies idle notice that its session was ended elsewhere."""
    require_session()


def visitor() -> Visitor:
    """Where the run of this page was asked from."""
    headers = st.context.headers
    return Visitor(ip=st.context.ip_address or "", agent=headers.get("User-Agent", ""))


def leave_page() -> NoReturn:
    """End the run of the page and have the browser ask the gate where to go."""
    st.info("Sign in to go on. If nothing happens, reload this page.", icon=":material/login:")
    st.html(_RELOAD, unsafe_allow_javascript=True)
    st.stop()
