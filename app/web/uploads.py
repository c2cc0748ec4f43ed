"""Where Streamlit's uploader sends files: to the disk, counted, instead of into memory.

Streamlit keeps every upload whole in the memory of the web process until its page takes it. Here
the page gets a record without bytes, and finds the file itself with ``app.runs.incoming``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from app.api.forms import FormLimits, announced_bytes, read_upload
from app.api.identity import identify, is_same_origin
from app.api.refusals import not_our_origin, not_signed_in
from app.runs.incoming import incoming
from app.web.refusals import refusal
from db.actor import Actor
from studio.errors import StudioError, UserInputError
from studio.settings import Settings
from studio.words import msg
from tasks.authority import Needs, require
from tasks.services import Services

TIMES_THE_LIMIT = 10
"""A file up to so much over the limit is let through, to be refused by name on the page."""
_PREFIX = "/_stcore/upload_file/"
_FORM_OVERHEAD_BYTES = 1_000_000


class UploadsToDisk:
    """Answers the addresses of Streamlit's uploader in its stead."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a file in, note that one was removed, or pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        tab_id, _, file_id = scope["path"].removeprefix(_PREFIX).partition("/")
        request = Request(scope, receive)
        answer: ASGIApp
        try:
            match scope["method"]:
                case "PUT":
                    answer = await self._take(request, tab_id, file_id)
                case "DELETE":
                    owner = await self._sender(request)
                    incoming().drop(owner.id, file_id)
                    answer = self._app
                case _:
                    answer = self._app
        except StudioError as error:
            answer = refusal(request, error)
        await answer(scope, receive, send)

    async def _sender(self, request: Request) -> Actor:
        if not is_same_origin(request, self._services.settings):
            raise not_our_origin()
        signed_in = await run_in_threadpool(identify, self._services, request)
        if signed_in is None:
            raise not_signed_in()
        return signed_in.actor

    async def _take(self, request: Request, tab_id: str, file_id: str) -> Response:
        """204 as soon as the page can say itself what became of the file.

        Of any other answer Streamlit's page says no more than that there was one, in its own words.
        """
        actor = await self._sender(request)
        runtime = Runtime.instance()
        if not _is_uuid(file_id) or not runtime.is_active_session(tab_id):
            message = msg("The page that sends this is gone. Reload it.")
            raise StudioError(message, code="upload.no_page")
        record = await self._receive(request, actor, tab_id, file_id)
        if record is not None:
            manager = cast(MemoryUploadedFileManager, runtime.uploaded_file_mgr)
            manager.add_file(tab_id, record)
        return Response(status_code=204)

    async def _receive(
        self, request: Request, actor: Actor, tab_id: str, file_id: str
    ) -> UploadedFileRec | None:
        """The record for the page; the file, or why it is refused, waits beside it.

        None when the page has let go of it meanwhile.
        """
        limits = form_limits(self._services.settings)
        size_bytes = _announced(request, limits)
        with incoming().arriving(actor.id, file_id, size_bytes, tab_id=tab_id) as arrival:
            refused = _may_not_run(actor) or (None if arrival.has_room else _no_room())
            if refused:
                limits = replace(limits, max_file_bytes=-1)  # an empty file is not kept either
            upload = await read_upload(request, limits)
            source = refused or upload.source
            is_kept = incoming().keep(arrival, source, upload.size_bytes)
        record = UploadedFileRec(file_id, upload.file_name or "file", upload.media_type, b"")
        return record if is_kept else None


def _may_not_run(actor: Actor) -> StudioError | None:
    try:
        require(actor, Needs.RUNNING)
    except StudioError as error:
        return error
    return None


def form_limits(settings: Settings) -> FormLimits:
    """Of one upload from a page."""
    most_bytes = settings.max_upload_bytes
    return FormLimits(
        max_bytes=TIMES_THE_LIMIT * most_bytes + _FORM_OVERHEAD_BYTES,
        max_file_bytes=most_bytes,
        max_files=1,
        max_fields=1,
    )


def _announced(request: Request, limits: FormLimits) -> int:
    announced = announced_bytes(request)
    most = limits.max_file_bytes
    return most if announced is None else min(announced, most)


def _no_room() -> UserInputError:
    return UserInputError(
        msg("Too many files, or too large ones, were sent at once"),
        remedy=msg("Drop it again once the others are shown."),
        code="upload.too_many_pending",
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
