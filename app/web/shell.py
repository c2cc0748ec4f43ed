"""The page that Streamlit fills: its own, in our name, with our script before its own."""

from __future__ import annotations

import re
from hashlib import sha256
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from streamlit.file_util import get_static_dir

from app.language import _
from app.runs.addresses import page_names

_SCRIPT = Path(__file__).parent / "assets" / "frame.js"
_NO_SCRIPT = "@no-script@"


def shell_routes() -> list[BaseRoute]:
    """The address of every page."""
    shell = our_shell((Path(get_static_dir()) / "index.html").read_text(encoding="utf-8"))

    async def show(_request: Request) -> Response:
        words = _("Darkroom needs JavaScript. Allow it for this address, then reload the page.")
        return HTMLResponse(shell.replace(_NO_SCRIPT, escape(words)))

    return [Route(f"/{name}", show, methods=["GET"]) for name in page_names()]


def our_shell(theirs: str) -> str:
    """Streamlit's page with our title and script, ``_NO_SCRIPT`` where it speaks without one.

    The script comes before Streamlit's, so that it hears the first click on a page. Its address
    changes with it, as browsers keep what they have loaded.

    Raises:
        ValueError: this is not the page that we know.

    """
    digest = sha256(_SCRIPT.read_bytes()).hexdigest()[:16]
    ours = {
        r"<title>Streamlit</title>": (
            "<title>Darkroom</title>\n"
            f'<script type="module" src="/account/assets/frame.js?{digest}"></script>'
        ),
        r'<link rel="service-desc"[^>]*>': "",
        r"(?<=<noscript>).*(?=</noscript>)": f"<p>{_NO_SCRIPT}</p>",
    }
    for pattern, text in ours.items():
        theirs, found = re.subn(pattern, text, theirs, flags=re.DOTALL)
        if found != 1:
            raise ValueError(f"Streamlit's page has {found} of {pattern}, where one is known")
    return theirs
