"""The studio's own small pages, in one frame."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from app.language import _, spoken
from app.people.passwords import MAX_CHARS, MIN_CHARS

FORM_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HERE = Path(__file__).parent

_templates = Environment(
    loader=FileSystemLoader([_HERE / "templates", _HERE / "assets"]),
    autoescape=True,
    undefined=StrictUndefined,
)
_templates.globals.update(
    max_password_chars=MAX_CHARS, min_password_chars=MIN_CHARS, _=_, spoken=spoken
)


def framed(template: str, status: int = 200, **values: str | bool) -> HTMLResponse:
    """The page that ``template`` makes of ``values``."""
    response = HTMLResponse(_templates.get_template(template).render(values), status)
    response.headers["Content-Security-Policy"] = FORM_POLICY
    return response
