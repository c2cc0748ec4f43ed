"""The web application: our own routes and Streamlit's pages in one ASGI process."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from streamlit import config
from streamlit.starlette import App

from app.api import create_api
from app.downloads import download_routes
from app.middleware import Gate, SecurityHeaders
from app.routes import account_routes
from app.weight_routes import weight_routes
from studio.settings import Settings
from tasks.services import Services

_ENTRY = Path(__file__).resolve().parent / "entry.py"
_BYTES_PER_MB = 2**20


def create_app(services: Services) -> App:
    """The application; serve it with one process, for uploads and page state live in memory."""
    app = App(_ENTRY, routes=create_routes(services), middleware=create_middleware(services))
    _configure_streamlit(services.settings)
    return app


def create_routes(services: Services) -> list[BaseRoute]:
    """Everything that Streamlit does not answer."""
    return [
        *account_routes(services),
        *download_routes(services),
        *weight_routes(services),
        Mount("/api", create_api(services)),
        *(Route(f"{prefix}{{rest:path}}", _not_found) for prefix in Gate.OPEN_PREFIXES),
    ]


def create_middleware(services: Services) -> list[Middleware]:
    """What every request passes, outermost first."""
    return [
        Middleware(SecurityHeaders, is_https=services.settings.secure_cookies),
        Middleware(Gate, services=services),
    ]


async def _not_found(_request: Request) -> Response:
    """Streamlit answers every unknown address with its page; under ours there is none."""
    return PlainTextResponse("Not found.", 404)


def _configure_streamlit(settings: Settings) -> None:
    """The options of Streamlit that follow from our settings.

    Called once ``App`` has said where ``.streamlit/config.toml`` lies, which holds the rest.
    """
    config.set_option("server.maxUploadSize", -(-settings.max_upload_bytes // _BYTES_PER_MB))
    config.set_option("server.cookieSecret", _cookie_secret(settings.data_dir))
    public = urlsplit(settings.public_url)
    if public.hostname:
        # Against names that an attacker points at this address.
        hosts = [public.hostname, "localhost", "127.0.0.1", "::1"]
        config.set_option("server.allowedHosts", hosts)
        config.set_option("server.corsAllowedOrigins", [f"{public.scheme}://{public.netloc}"])


def _cookie_secret(data_dir: Path) -> str:
    """The key of Streamlit's signed cookies, made at first start and kept from then on."""
    path = data_dir / "cookie-secret"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        partial = data_dir / f"{path.name}.{os.getpid()}"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        partial.replace(path)
    return path.read_text()
