"""The studio's own pages and addresses: sign-in, password, sign-out, health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.api.fair_threads import (
    TooManyRequestsError,
    known_password_threads,
    password_threads,
)
from app.api.forms import counted
from app.api.identity import (
    clear_session_cookie,
    identify,
    is_same_origin,
    set_browser_cookie,
    set_session_cookie,
    visitor_of,
)
from app.api.refusals import headers_of, not_our_origin, not_signed_in
from app.language import _, said
from app.people.accounts import change_password
from app.people.passwords import PasswordRefusedError
from app.people.sessions import SignedIn, Visitor, end_session, open_session, session_cookie
from app.people.signing_in import (
    SignInRefusedError,
    TooManyAttemptsError,
    approach,
    authenticate,
)
from app.web.frames import framed
from app.web.middleware import PASSWORD_PATH, SESSION_PATH, SIGN_IN_PATH
from app.web.refusals import refusal
from db.errors import DatabaseAwayError
from studio.errors import StudioError
from studio.words import msg
from tasks.authority import NotAllowedError
from tasks.services import Services

_HERE = Path(__file__).parent
_MAX_FORM_BYTES = 16_384


def account_routes(services: Services) -> list[BaseRoute]:
    """Everything under ``/account`` and ``/healthz``."""
    doors = _Doors(services)
    return [
        Route(SIGN_IN_PATH, doors.show_sign_in, methods=["GET"]),
        Route(SIGN_IN_PATH, _ours(services, doors.sign_in), methods=["POST"]),
        Route("/account/sign-out", _ours(services, doors.sign_out), methods=["POST"]),
        Route(PASSWORD_PATH, doors.show_password, methods=["GET"]),
        Route(PASSWORD_PATH, _ours(services, doors.change_password), methods=["POST"]),
        Route(SESSION_PATH, doors.session, methods=["GET"]),
        Mount("/account/assets", StaticFiles(directory=_HERE / "assets")),
        Route("/favicon.png", _favicon, methods=["GET"]),
        Route("/healthz", doors.health, methods=["GET"]),
    ]


async def _favicon(_request: Request) -> Response:
    """Our mark, which Streamlit's page asks for under the name of its own."""
    return FileResponse(_HERE / "assets" / "logo.svg", media_type="image/svg+xml")


Endpoint = Callable[[Request], Awaitable[Response]]


def _ours(services: Services, endpoint: Endpoint) -> Endpoint:
    """``endpoint`` for forms of our own pages only."""

    async def checked(request: Request) -> Response:
        if not is_same_origin(request, services.settings):
            raise not_our_origin()
        return await endpoint(request)

    return checked


class _Doors:
    """The endpoints, with the services they use."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def show_sign_in(self, request: Request) -> Response:
        """The form, or the page asked for when the browser is signed in already."""
        target = safe_target(request.query_params.get("next"))
        if await run_in_threadpool(identify, self._services, request):
            return RedirectResponse(target, 303)
        return framed("sign_in.html", next=target, name="", error="")

    async def sign_in(self, request: Request) -> Response:
        """Check name and password; on to the page asked for, or back with a sentence."""
        form = await _read_form(request)
        name, target = form.get("name", ""), safe_target(form.get("next"))
        settings = self._services.settings
        visitor = visitor_of(request, settings)
        found = await run_in_threadpool(approach, self._services, name, visitor)
        # Slept here, where it holds none of the threads that everybody shares.
        await asyncio.sleep(found.pause_s)
        threads = known_password_threads() if found.is_known else password_threads()
        try:
            user_id, token = await threads.run(
                found.owner, partial(self._open_session, name, form.get("password", ""), visitor)
            )
        except (SignInRefusedError, NotAllowedError) as error:
            return framed("sign_in.html", 401, next=target, name=name, error=_sentence(error))
        except (TooManyAttemptsError, TooManyRequestsError) as error:
            why = _sentence(error) if found.is_known else _waiting(error)
            page = framed("sign_in.html", 429, next=target, name=name, error=why)
            page.headers.update(headers_of(error))
            return page
        await self._end_session(request)  # no browser holds the one whose cookie is replaced
        welcome = RedirectResponse(target, 303)
        set_session_cookie(welcome, settings, token)
        set_browser_cookie(welcome, settings, user_id)
        return welcome

    async def sign_out(self, request: Request) -> Response:
        """End the session in the database and take the cookie back."""
        await self._end_session(request)
        response = RedirectResponse(SIGN_IN_PATH, 303)
        clear_session_cookie(response, self._services.settings)
        return response

    async def show_password(self, request: Request) -> Response:
        """The form, for whoever is signed in."""
        signed_in = await run_in_threadpool(identify, self._services, request)
        if signed_in is None:
            return RedirectResponse(f"{SIGN_IN_PATH}?next={PASSWORD_PATH}", 303)
        return _password_page(signed_in)

    async def change_password(self, request: Request) -> Response:
        """Replace the password; on to the start page, or back with a sentence."""
        form = await _read_form(request)
        signed_in = await run_in_threadpool(identify, self._services, request)
        if signed_in is None:
            return RedirectResponse(SIGN_IN_PATH, 303)
        current, new = form.get("current", ""), form.get("new", "")
        if new != form.get("repeat"):
            message = _("The two new passwords differ. Type the same one twice.")
            return _password_page(signed_in, 422, error=message, fault="repeat")
        try:
            visitor = visitor_of(request)
            await known_password_threads().run(
                signed_in.actor.id,
                partial(change_password, self._services, signed_in, current, new, visitor),
            )
        except (TooManyAttemptsError, TooManyRequestsError) as error:
            page = _password_page(signed_in, 429, error=_sentence(error), fault="current")
            page.headers.update(headers_of(error))
            return page
        except PasswordRefusedError as error:
            fault = "current" if error.code == "password.wrong" else "new"
            return _password_page(signed_in, 422, error=_sentence(error), fault=fault)
        return RedirectResponse("/", 303)

    async def session(self, request: Request) -> Response:
        """204 while the browser is signed in, else 401; asked by pages that lie idle."""
        if await run_in_threadpool(identify, self._services, request) is None:
            return refusal(request, not_signed_in())
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def health(self, _request: Request) -> Response:
        """Whether pages can be served: 200 when the database answers, else 503."""
        try:
            await run_in_threadpool(self._touch_database)
        except (SQLAlchemyError, DatabaseAwayError):
            return JSONResponse({"status": "unavailable", "database": "unreachable"}, 503)
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    async def _end_session(self, request: Request) -> None:
        """End the session whose cookie came with the request."""
        token = request.cookies.get(session_cookie(self._services.settings))
        if token:
            await run_in_threadpool(end_session, self._services, token, visitor_of(request))

    def _open_session(self, name: str, password: str, visitor: Visitor) -> tuple[UUID, str]:
        found = authenticate(self._services, name, password, visitor)
        token = open_session(
            self._services, found.user_id, visitor, password_hash=found.password_hash
        )
        return found.user_id, token

    def _touch_database(self) -> None:
        with self._services.database.read() as unit:
            unit.execute(text("SELECT 1 FROM users LIMIT 1"))


def safe_target(wanted: str | None) -> str:
    """``wanted`` when it is an address inside the studio, else the start page.

    Browsers read a backslash as a slash and drop control characters, so what starts with two
    slashes in any spelling would lead elsewhere.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/account/sign")):
        return "/"
    if "\\" in wanted or any(ord(char) < 0x20 for char in wanted):
        return "/"
    parts = urlsplit(wanted)
    return "/" if parts.scheme or parts.netloc else wanted


async def _read_form(request: Request) -> Mapping[str, str]:
    too_large = StudioError(msg("This form is too large."), code="request.too_large")
    body = bytearray()
    async for chunk in counted(request, _MAX_FORM_BYTES, too_large):
        body += chunk
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10))
    except ValueError as error:
        raise StudioError(msg("This form cannot be read."), code="form.unreadable") from error


def _sentence(error: StudioError) -> str:
    return said(error.message)


def _waiting(error: TooManyAttemptsError | TooManyRequestsError) -> str:
    """Why a stranger waits: their passwords are looked at in turns of the address."""
    if isinstance(error, TooManyRequestsError):
        return _("Many people sign in from your address just now. Try again shortly.")
    return _sentence(error)


def _password_page(
    signed_in: SignedIn, status: int = 200, *, error: str = "", fault: str = ""
) -> HTMLResponse:
    return framed(
        "password.html",
        status,
        name=signed_in.actor.name,
        is_one_time=signed_in.must_change_password,
        error=error,
        fault=fault,
    )
