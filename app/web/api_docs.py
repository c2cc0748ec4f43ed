"""``/api/docs``: REST to read and to try, for who is signed in, without any other host."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from app.api.identity import identify
from app.web.middleware import PASSWORD_PATH, SIGN_IN_PATH
from tasks.services import Services

_PATH = "/api/docs"
_SWAGGER_UI = Path(fastapi_offline.__file__).parent / "static"
# Swagger UI sets styles of its own on elements, and draws with pictures inside of its CSS.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>REST · Darkroom</title>
<link rel="icon" href="/account/assets/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/api/docs/assets/swagger-ui.css">
<script src="/api/docs/assets/swagger-ui-bundle.js" defer></script>
<script src="/account/assets/api_docs.js" defer></script>
</head>
<body><div id="swagger"></div></body>
</html>
"""


def api_docs_routes(services: Services) -> list[BaseRoute]:
    """The page and what it is made of; the interface it shows is at ``/api/openapi.json``."""

    async def show(request: Request) -> Response:
        signed_in = await run_in_threadpool(identify, services, request)
        if signed_in is None:
            return RedirectResponse(f"{SIGN_IN_PATH}?next={_PATH}", 303)
        if signed_in.must_change_password:
            return RedirectResponse(PASSWORD_PATH, 303)
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})

    return [
        Route(_PATH, show, methods=["GET"]),
        Mount(f"{_PATH}/assets", StaticFiles(directory=_SWAGGER_UI)),
    ]
