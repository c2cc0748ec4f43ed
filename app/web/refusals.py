"""How the doors of browsers say no: a code and a sentence, as a small page to whoever reads pages.

REST has the same statuses and codes, see ``app.api.refusals``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette import types
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.refusals import fault, headers_of, not_our_origin, not_signed_in, status_of
from app.language import said
from app.web.frames import framed
from db.errors import DatabaseAwayError, RecordError
from studio.errors import StudioError
from studio.text import shown
from studio.words import N_, Message, msg

_TITLES = {
    401: N_("Not signed in"),
    403: N_("Not for you"),
    404: N_("Not found"),
    410: N_("No longer here"),
    500: N_("Something went wrong"),
    503: N_("Not just now"),
}


def unknown_address() -> StudioError:
    """Nothing is there, or nothing that is shown to anybody."""
    return StudioError(msg("There is nothing at this address."), code="request.unknown_address")


def refusal(request: Request, error: StudioError | RecordError) -> Response:
    """The answer to ``request`` that tells ``error``."""
    return _answer(request, status_of(error), error, headers_of(error))


def exception_handlers() -> Mapping[type[Exception], Callable[[Request, Exception], Response]]:
    """Those of the application, for all that its routes raise."""
    return {
        StudioError: _refuse,
        RecordError: _refuse,
        HTTPException: _refuse_by_status,
        Exception: _own_up,
    }


class OutageAnswer:
    """Answers 503 with the reason where what stands before the routes finds the database away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that has begun cannot be taken back."""
        has_begun = False

        async def send_and_note(message: types.Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except DatabaseAwayError as error:
            if scope["type"] != "http" or has_begun:
                raise
            await refusal(Request(scope), error)(scope, receive, send)


class PlainAnswers:
    """Answers in our shape where a framework refused a request in plain text."""

    _OF_THE_TEXT = ("content-type", "content-length", "content-encoding")

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and what is answered, unless it is such a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused: HTTPException | None = None

        async def send_or_keep(message: types.Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = self._refused(message)
            if refused is None:
                await send(message)

        await self._app(scope, receive, send_or_keep)
        if refused is not None:
            await _refuse_by_status(Request(scope), refused)(scope, receive, send)

    def _refused(self, start: types.Message) -> HTTPException | None:
        headers = Headers(raw=start["headers"])
        kind = headers.get("content-type", "text/plain")
        if not (400 <= start["status"] < 500 and kind.startswith("text/plain")):
            return None
        kept = {name: headers[name] for name in headers if name not in self._OF_THE_TEXT}
        return HTTPException(start["status"], headers=kept)


def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, StudioError | RecordError):
        raise error
    return refusal(request, error)


def _refuse_by_status(request: Request, error: Exception) -> Response:
    """What the framework refuses before any of our code sees it."""
    if not isinstance(error, HTTPException):
        raise error
    match error.status_code:
        case 401:
            known = not_signed_in()
        case 404:
            known = unknown_address()
        case 405:
            known = StudioError(
                msg("This address does not take {method}.", method=shown(request.method)),
                code="request.unknown_method",
            )
        case 403:
            known = not_our_origin()  # Streamlit's uploads without the token of a page of ours
        case 416:
            known = StudioError(
                msg("The file does not reach as far as the part that is asked for."),
                code="request.no_such_range",
            )
        case _:
            known = StudioError(
                msg("The request cannot be read."),
                code="request.unreadable",
            )
    return _answer(request, error.status_code, known, error.headers or {})


def _own_up(request: Request, error: Exception) -> Response:
    return _answer(request, 500, fault(error), {})


def _answer(
    request: Request, status: int, error: StudioError | RecordError, headers: Mapping[str, str]
) -> Response:
    answer: Response
    if "text/html" in request.headers.get("accept", ""):
        title = said(Message(_TITLES.get(status, N_("This does not work"))))
        answer = framed(
            "refusal.html", status, title=title, message=said(error.message), code=error.code
        )
    else:
        answer = JSONResponse({"code": error.code, "message": said(error.message)}, status)
        answer.headers["Cache-Control"] = "no-store"
    answer.headers.update(headers)
    return answer
