"""Addresses that lead nowhere: a page of ours says so, with a way home."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.refusals import refusal, unknown_address


class UnknownAddresses:
    """Answers 404 for what is neither a page nor anything else that the studio has.

    Streamlit itself would answer every address with its shell, which then shows some page.
    """

    # Streamlit also looks for its own below a page: /history/_stcore/health.
    _OTHERS = ("/_stcore/", "/static/", "/media/", "/component/", "/app/static/")
    _FILES = frozenset({"/favicon.png", "/healthz", "/manifest.json"})

    def __init__(
        self, app: ASGIApp, *, pages: Collection[str], open_prefixes: Collection[str]
    ) -> None:
        self._app = app
        self._pages = frozenset(f"/{name}" for name in ("", *pages))
        self._prefixes = tuple(open_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on where something answers it."""
        if scope["type"] != "http" or self._is_known(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await refusal(Request(scope), unknown_address())(scope, receive, send)

    def _is_known(self, path: str) -> bool:
        return (
            path.rstrip("/") in self._pages | {""}
            or path in self._FILES
            or path.startswith(self._prefixes)
            or any(other in path for other in self._OTHERS)
        )
