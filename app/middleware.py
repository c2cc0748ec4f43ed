"""What stands before every route: response headers, and the gate before the pages."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.security import identify
from tasks.services import Services

SIGN_IN_PATH = "/account/sign-in"
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
FORM_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class SecurityHeaders:
    """Adds the headers every answer needs, unless the route has set its own."""

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
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Gate:
    """Lets nobody reach the pages, their uploads or their pictures without a session.

    Routes of our own identify the person themselves; they have ``OPEN_PREFIXES`` to
    themselves. Open are also the parts of Streamlit that hold nothing of anybody's, and its
    websocket: each run of a page asks for the user, and a closed socket could not tell a
    browser whose session has ended to go and sign in.
    """

    OPEN_PREFIXES = (
        "/account/",
        "/api/",
        "/batches/",
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
        refusal = await self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if path in self._HIDDEN_PATHS:
            return PlainTextResponse("Not found.", 404)
        if path in self._OPEN_PATHS or path.startswith((*self.OPEN_PREFIXES, "/static/")):
            return None
        request = Request(scope)
        signed_in = await run_in_threadpool(identify, self._services, request)
        if signed_in and not signed_in.must_change_password:
            return None
        if request.method != "GET" or path.startswith(("/_stcore/", "/media/", "/component/")):
            return PlainTextResponse("Sign in first.", 401)
        if signed_in:
            return RedirectResponse(PASSWORD_PATH, 303)
        query = f"?{request.url.query}" if request.url.query else ""
        page = path + query
        wanted = "" if page == "/" else "?" + urlencode({"next": page})
        return RedirectResponse(SIGN_IN_PATH + wanted, 303)
