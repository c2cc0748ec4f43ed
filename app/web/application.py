"""The web application: our own routes and Streamlit's pages in one ASGI process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from streamlit import config
from streamlit.starlette import App

from app.api.endpoints import create_api
from app.people.secret import cookie_secret
from app.people.tool_switches import first_tool, switched_off
from app.runs.addresses import page_names
from app.web.account_pages import account_routes
from app.web.api_docs import api_docs_routes
from app.web.downloads import download_routes
from app.web.middleware import Gate, SecurityHeaders, Speaks
from app.web.proxies import TrustedProxies
from app.web.refusals import (
    OutageAnswer,
    PlainAnswers,
    exception_handlers,
    refusal,
    unknown_address,
)
from app.web.shell import shell_routes
from app.web.unknown import UnknownAddresses
from app.web.upkeep import upkeep
from app.web.uploads import UploadsToDisk, form_limits
from app.web.weight_uploads import weight_routes
from studio.settings import Settings
from tasks.services import Services

_ENTRY = Path(__file__).resolve().parents[1] / "ui" / "entry.py"
_BYTES_PER_MB = 2**20


def create_app(services: Services) -> App:
    """The application; serve it with one process, for uploads and page state live in memory."""
    app = App(
        _ENTRY,
        routes=create_routes(services),
        middleware=create_middleware(services),
        lifespan=partial(upkeep, services),
        exception_handlers=exception_handlers(),
    )
    _configure_streamlit(services.settings)
    return app


def create_routes(services: Services) -> list[BaseRoute]:
    """Everything that Streamlit does not answer."""
    return [
        *account_routes(services),
        *download_routes(services),
        *weight_routes(services),
        *api_docs_routes(services),
        *shell_routes(),
        Mount("/api", create_api(services)),
        Route("/", partial(_enter, services)),
        *(Route(f"{prefix}{{rest:path}}", _nothing_here) for prefix in Gate.OPEN_PREFIXES),
    ]


def create_middleware(services: Services) -> list[Middleware]:
    """What every request passes, outermost first."""
    return [
        Middleware(TrustedProxies, trusted=services.settings.trusted_proxies),
        Middleware(Speaks),
        Middleware(SecurityHeaders, is_https=services.settings.secure_cookies),
        Middleware(PlainAnswers),
        Middleware(OutageAnswer),
        Middleware(Gate, services=services),
        Middleware(UnknownAddresses, pages=page_names(), open_prefixes=Gate.OPEN_PREFIXES),
        Middleware(UploadsToDisk, services=services),
    ]


async def _enter(services: Services, request: Request) -> Response:
    """On to the first tool, so that the address names what is shown from the start."""
    off = await run_in_threadpool(switched_off, services)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{first_tool(off)}{query}", 303)


async def _nothing_here(request: Request) -> Response:
    """Streamlit answers every unknown address with its page; under ours there is none."""
    return refusal(request, unknown_address())


def _configure_streamlit(settings: Settings) -> None:
    """The options of Streamlit that follow from our settings.

    Called once ``App`` has said where ``.streamlit/config.toml`` lies, which holds the rest.
    """
    # What is over the limit goes through, so that the page can say so beside the file's name.
    most_bytes = form_limits(settings).max_bytes
    config.set_option("server.maxUploadSize", most_bytes // _BYTES_PER_MB)
    config.set_option("server.cookieSecret", cookie_secret(settings.data_dir))
    public = urlsplit(settings.public_url)
    if public.hostname:
        # Against names that an attacker points at this address.
        hosts = [public.hostname, "localhost", "127.0.0.1", "::1"]
        config.set_option("server.allowedHosts", hosts)
        config.set_option("server.corsAllowedOrigins", [f"{public.scheme}://{public.netloc}"])
