"""What stands before every route: response headers, and the gate before the pages."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.api.identity import identify, is_same_origin
from app.api.refusals import not_signed_in
from app.language import language_of_header, speaking
from app.web.refusals import refusal, unknown_address
from tasks.services import Services

SIGN_IN_PATH = "/account/sign-in"
SESSION_PATH = "/account/session"
PASSWORD_PATH = "/account/password"  # noqa: S105 — an address

# Streamlit builds its page with inline styles and compiles WebAssembly; all of it is served
# from here, so whatever would leave the machine is refused by the browser.
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-src 'self' blob: data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_POLICY_VIOLATION = 1008
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class Speaks:
    """Has everything that is said in answer to a request said in the language it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = HTTPConnection(scope).headers.get("accept-language", "")
        with speaking(language_of_header(wanted)):
            await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers every answer needs, unless the route has set its own.

    No page is kept by the browser: "Back" after signing out would show it, without its socket.
    """

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": _PAGE_POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "geolocation=(), microphone=()",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        if is_https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Gate:
    """Lets nobody reach the pages, their uploads or their pictures without a session.

    Routes of our own identify the person themselves; they have ``OPEN_PREFIXES`` to
    themselves. Open are also the parts of Streamlit that hold nothing of anybody's. Its
    websocket is opened to our own pages and people alone, before a byte of it is read; each
    run of a page over it asks for the user again.
    """

    OPEN_PREFIXES = (
        "/account/",
        "/api/",
        "/batches/",
        "/exports/",
        "/files/",
        "/pictures/",
        "/thumbnails/",
        "/weight-files/",
    )
    _OPEN_PATHS = frozenset({"/healthz", "/_stcore/health", "/_stcore/host-config", "/favicon.png"})
    _HIDDEN_PATHS = frozenset({"/_stcore/metrics"})

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it in the pages' stead."""
        match scope["type"]:
            case "http":
                refusal = await self._refusal(scope)
                await (refusal or self._app)(scope, receive, send)
            case "websocket" if not await self._may_connect(HTTPConnection(scope)):
                await WebSocketClose(_POLICY_VIOLATION)(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _may_connect(self, connection: HTTPConnection) -> bool:
        if not is_same_origin(connection, self._services.settings):
            return False
        signed_in = await run_in_threadpool(identify, self._services, connection)
        return signed_in is not None and not signed_in.must_change_password

    async def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        request = Request(scope)
        # Patterns of routes do not match the end of a line.
        if "\n" in path or path in self._HIDDEN_PATHS:
            return refusal(request, unknown_address())
        if path in self._OPEN_PATHS or path.startswith((*self.OPEN_PREFIXES, "/static/")):
            return None
        signed_in = await run_in_threadpool(identify, self._services, request)
        if signed_in and not signed_in.must_change_password:
            return None
        if request.method != "GET" or path.startswith(("/_stcore/", "/media/", "/component/")):
            return refusal(request, not_signed_in())
        if signed_in:
            return RedirectResponse(PASSWORD_PATH, 303)
        query = f"?{request.url.query}" if request.url.query else ""
        page = path + query
        wanted = "" if page == "/" else "?" + urlencode({"next": page})
        return RedirectResponse(SIGN_IN_PATH + wanted, 303)
